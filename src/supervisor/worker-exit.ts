/** How a worker ended and what is known of it: the explanation of a failure, JSON-safe. */
export interface WorkerExit {
  readonly worker: string
  readonly pid: number | null
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** The last lines of standard error, oldest first; of one that could not be started, what the system said. */
  readonly stderr: readonly string[]
  readonly waitedFor: string | null
  /** Milliseconds from the start to the exit or the deadline. */
  readonly waitedMs: number
  /** Ports that it listens on, none of them the one it was given. */
  readonly listensOn: readonly number[]
  /** Why we ended it, if we did; or why neither exit code nor signal is known. */
  readonly note?: string
}

/** One sentence for people: what happened, with what it waited for and how long. */
export function explainFailure(exit: WorkerExit): string {
  const seconds = `${(exit.waitedMs / 1000).toFixed(1)} s`
  const who = exit.pid === null ? exit.worker : `${exit.worker}: worker ${exit.pid}`
  const elsewhere = exit.listensOn.length > 0 ? `; it listens on port ${exit.listensOn.join(', ')} instead` : ''
  const waited = exit.waitedFor === null ? '' : `, waiting for it to ${exit.waitedFor}${elsewhere}`
  if (exit.pid === null) return `${who} could not be started${exit.stderr.length > 0 ? `: ${exit.stderr.at(-1)}` : ''}`
  if (exit.signal !== null)
    return `${who} was ended by ${exit.signal} after ${seconds}${waited}${exit.note === undefined ? '' : `, since ${exit.note}`}`
  if (exit.exitCode !== null) return `${who} exited with code ${exit.exitCode} after ${seconds}${waited}`
  if (exit.note !== undefined) return `${who} ended after ${seconds}${waited}; ${exit.note}`
  return `${who} was not ready after ${seconds}${waited}`
}

/** The end of a worker that never had a process. */
export function neverStarted(worker: string, why: string): WorkerExit {
  const nothing = { pid: null, exitCode: null, signal: null, waitedFor: null, waitedMs: 0, listensOn: [] }
  return { worker, ...nothing, stderr: [why] }
}
