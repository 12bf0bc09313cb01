import { CserviceError, toCserviceError } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import { decideRestart, defaultRestartPolicy, type RestartPolicy } from './restart-policy.ts'
import { explainFailure, neverStarted, type WorkerExit } from './worker-exit.ts'

/** What restarts need to know of their pool, and can ask of it. */
export interface RestartedPool {
  readonly name: string
  readonly policy: RestartPolicy | undefined
  /** Whether a crash loop that leaves no worker is tried again as well; see `refillDelay`. */
  readonly keepsTrying: boolean
  /** Whether workers are missing. */
  isShort(): boolean
  hasReadyWorkers(): boolean
  launch(): Promise<unknown>
  onFailure(exit: WorkerExit, verdict: { readonly gaveUp: boolean }): void
}

/**
 * A pool whose crash loop leaves some workers serving tries to fill up again after this time. One that has none left waits
 * to be asked (`scale`), so that nothing is started for ever; unless nobody would ask (`keepsTrying`).
 */
const refillDelay = 60_000

/** Replaces workers that exited unasked, later each time. Owns the timers and the count of failures in a row. */
export class Restarts {
  readonly #pool: RestartedPool
  readonly #log: Log
  readonly #timers = new Set<NodeJS.Timeout>()
  #failures = 0
  /** When the last failure was counted, by `performance.now()`. */
  #countedAt = Number.NEGATIVE_INFINITY
  #lastFailure: WorkerExit | null = null
  #isCrashLoop = false

  constructor(pool: RestartedPool, log: Log) {
    this.#pool = pool
    this.#log = log
  }

  /** The last exit nobody had asked for, until all is well again. */
  get lastFailure(): WorkerExit | null {
    return this.#lastFailure
  }

  /** Whether workers exit again and again, and are not replaced, or only seldom. */
  get isCrashLoop(): boolean {
    return this.#isCrashLoop
  }

  /** Remembers the exit of a worker that was not ready yet. */
  note(exit: WorkerExit): void {
    this.#lastFailure = exit
  }

  /** Replaces a worker that exited unasked. @param readyFor how long it had been ready, in milliseconds; null: it never was */
  replace(exit: WorkerExit, readyFor: number | null): void {
    this.#lastFailure = exit
    const pool = this.#pool
    if (!pool.isShort()) return
    const verdict = decideRestart(
      pool.policy ?? defaultRestartPolicy,
      this.#failuresBefore(exit),
      readyFor,
      Math.random(),
    )
    this.#failures = verdict.failures
    const gaveUp = verdict.action === 'give-up'
    this.#isCrashLoop = gaveUp
    const isTriedAgain = pool.keepsTrying || pool.hasReadyWorkers()
    const outlook = gaveUp
      ? `it exits again and again and is ${isTriedAgain ? `tried again in ${refillDelay / 1_000} s` : 'not restarted'}`
      : `restarted in ${verdict.delay} ms`
    this.#log.error(
      { worker: pool.name, pid: exit.pid, stderr: exit.stderr.slice(-3), failures: verdict.failures },
      `${explainFailure(exit)}; ${outlook}`,
    )
    if (!gaveUp) this.#after(verdict.delay)
    else if (isTriedAgain) this.#after(refillDelay)
    pool.onFailure(exit, { gaveUp })
  }

  /** A launch has failed, whoever asked for it, and the pool is short. */
  tryAgain(error: unknown): void {
    this.replace(exitOf(error) ?? neverStarted(this.#pool.name, toCserviceError(error).message), null)
  }

  /** All is well, or is asked for anew: the next failure is the first. */
  forget(): void {
    this.#failures = 0
    this.#countedAt = Number.NEGATIVE_INFINITY
    this.#lastFailure = null
    this.#isCrashLoop = false
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  #after(delay: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (!this.#pool.isShort()) return
      this.#pool.launch().then(
        () => {
          this.#isCrashLoop = false
          if (!this.#pool.isShort()) this.#lastFailure = null // the count of failures stays until it is stable
        },
        () => {}, // as with any launch, the pool has us replace what is missing
      )
    }, delay)
    this.#timers.add(timer)
  }

  /**
   * How many failures there were in a row before this one. Workers that die together are one failure, however many they are:
   * only one that was started after the last failure can be the next.
   */
  #failuresBefore({ waitedMs }: WorkerExit): number {
    const now = performance.now()
    if (now - waitedMs < this.#countedAt) return Math.max(0, this.#failures - 1)
    this.#countedAt = now
    return this.#failures
  }
}

/** How the worker ended that did not become ready, where the error says it. */
export function exitOf(error: unknown): WorkerExit | null {
  if (!(error instanceof CserviceError) || error.code !== 'WORKER_FAILED') return null
  return (error.details as WorkerExit | undefined) ?? null
}
