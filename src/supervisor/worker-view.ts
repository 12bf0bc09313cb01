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
  /** What its options add to its environment. */
  readonly [variable: string]: string | number | boolean
}

/** A worker as programs see it: the Worker of `node:cluster` with these added, or, for other kinds, these alone. */
export interface WorkerView {
  readonly id: string | number
  readonly pid: number
  readonly cservice: WorkerFacts
}

/** The same object each time for a worker of a plain service. */
export function viewOf(handle: WorkerHandle): WorkerView {
  const { clusterWorker, entry } = handle
  const facts: WorkerFacts = {
    ...entry?.env,
    name: entry?.name ?? handle.name,
    worker: handle.file,
    cwd: handle.cwd,
    count: entry?.count ?? 1,
    restart: !(entry?.isImmune ?? false),
    reason: handle.reason,
  }
  const pid = handle.pid ?? -1
  if (!clusterWorker) return { id: handle.id, pid, cservice: facts }
  // The pid stays when the process is gone: listeners of exits want to know it.
  return Object.assign(clusterWorker, { pid, cservice: facts }) as unknown as WorkerView
}
