import type { Worker } from 'node:cluster'
import type { WorkerEntry } from './plain/worker-entry.ts'
import type { WorkerHandle } from './worker.ts'

/** What a program learns of a worker's making. */
export interface WorkerFacts {
  readonly name: string
  /** Absolute path of the file that it runs. */
  readonly worker: string
  readonly cwd: string
  readonly count: number
  readonly restart: boolean
  /** Why it was started: `start`, `restart`, `failure`, … */
  readonly reason: string
}

/** A worker as programs see it: the Worker of `node:cluster` with these added, or, for other kinds, these alone. */
export interface WorkerView {
  readonly id: string | number
  readonly pid: number
  readonly cservice: WorkerFacts
}

/** What a handle of kind `cluster` has beside. */
export interface PlainHandle {
  readonly clusterWorker?: Worker | null
  readonly entry?: WorkerEntry | null
}

/** The same object each time for a worker of a plain service. */
export function viewOf(handle: WorkerHandle): WorkerView {
  const { clusterWorker, entry } = handle as WorkerHandle & PlainHandle
  const facts: WorkerFacts = {
    name: entry?.name ?? handle.name,
    worker: entry?.file ?? handle.name,
    cwd: entry?.cwd ?? process.cwd(),
    count: entry?.count ?? 1,
    restart: !(entry?.isImmune ?? false),
    reason: handle.reason,
  }
  const pid = handle.pid ?? -1
  if (!clusterWorker) return { id: handle.id, pid, cservice: facts }
  // The pid stays when the process is gone: listeners of exits want to know it.
  return Object.assign(clusterWorker, { pid, cservice: facts }) as unknown as WorkerView
}
