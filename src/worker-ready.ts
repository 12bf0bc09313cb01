import type { Server } from 'node:net'

export interface WorkerReadyOptions {
  /** Called when the worker is to stop: finish what is under way and exit. It is on its own from here; see the stop ladder. */
  readonly onWorkerStop?: () => void
  /** Servers that a graceful stop closes, beside those that listen already. */
  readonly servers?: readonly Server[]
}

interface Agent {
  workerReady(options?: false | WorkerReadyOptions): void
}

/**
 * Says that this worker is ready, or with `false` that it is not until it says so. Without a call a worker is ready when it
 * listens on PROXY_PORT. Does nothing in a process that no supervisor of ours has started, so that a worker also runs alone.
 */
export function workerReady(options?: false | WorkerReadyOptions): void {
  // By a global symbol, because a version may have a copy of this package of its own.
  const agent = (globalThis as { [key: symbol]: unknown })[Symbol.for('cservice.agent')] as Agent | undefined
  agent?.workerReady(options)
}
