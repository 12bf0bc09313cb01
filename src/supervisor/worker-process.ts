import type { Worker as ClusterWorker } from 'node:cluster'
import type { Ward } from '../common/channel-protocol.ts'

/** How a process ended; both null: it could not be started, or nobody knows (`AdoptedProcess`). */
export interface ProcessEnd {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

/** The process of a worker, with its output and its end: one that we have started, or one that we have not. */
export interface WorkerProcess {
  /** null: it could not be started. */
  readonly pid: number | null
  /** What `node:cluster` knows it by; null for the other kinds. */
  readonly clusterWorker: ClusterWorker | null
  /** Resolves at the end of the process. */
  readonly ended: Promise<ProcessEnd>
  /** What ends this process should the supervisor not come back; null when it could not be started. */
  readonly ward: Ward | null
  /** What else is to be said of its end; null: nothing. */
  readonly breach: string | null
  /** The last lines of its standard error, oldest first; of one that could not be started, what the system said. */
  readonly lastWords: readonly string[]
  /** Signals the whole process group, so that what a worker started ends with it. One of `node:cluster` is in ours. */
  signal(signal: NodeJS.Signals): void
  /** What it has said by its channel instead of its own output. */
  hear(stream: 'stdout' | 'stderr', text: string): void
  /** Its channel has closed: it may have ended. */
  look(): void
  /** After the end: ends whatever is left of its process group, and waits for its last words. */
  cleanUp(): Promise<void>
}
