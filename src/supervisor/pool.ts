import { EventEmitter } from 'node:events'
import { CserviceError, toCserviceError } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import type { Launch } from './launch.ts'
import { decideRestart, defaultRestartPolicy, type RestartPolicy } from './restart-policy.ts'
import type { StartReason, WorkerHandle, WorkerOptions, WorkerTimeouts } from './worker.ts'
import { explainFailure, neverStarted, type WorkerExit } from './worker-exit.ts'

/** What all workers of a pool have in common. Times in milliseconds, read when they are needed: they may be getters. */
export interface PoolSpec extends WorkerTimeouts {
  /** For logs and people: `v2`, `proxy 8080`. */
  readonly name: string
  /**
   * What to run, asked anew for each worker, since each has a port of its own.
   * @throws CserviceError when there is nothing to run or nothing to run it on
   */
  launch(): Promise<Launch>
  /**
   * Takes a worker that was ready out of use: resolves when nothing new can reach it and what was under way is done, or
   * when its own deadline has passed. Only then is the worker asked to stop.
   */
  drain?(worker: WorkerHandle): Promise<void>
  readonly restart?: RestartPolicy
  /** Whether a worker that exited before it was ready would have been ready with another launch: another port, say. */
  isBadLuck?(exit: WorkerExit): boolean
  /** Its processes end the others if the supervisor dies and stays away. Only for our own programs. */
  readonly keepsWatch?: boolean
}

interface PoolEvents {
  worker: [WorkerHandle]
  /** A worker changed its state. */
  change: [WorkerHandle]
  /** A worker exited unasked; with `gaveUp` it is not replaced, since it is a crash loop. */
  failure: [WorkerExit, { readonly gaveUp: boolean }]
}

/** How often a worker is launched that has had bad luck each time. */
const maxLaunches = 3

type StartWorker = (
  launch: Launch,
  options: Pick<WorkerOptions, 'name' | 'reason' | 'timeouts'>,
) => Promise<WorkerHandle>

/**
 * A pool whose crash loop leaves some workers serving tries to fill up again after this time; one that has none left waits
 * to be asked (`scale`), so that nothing is started for ever.
 */
const refillDelay = 60_000

/** All workers of one spec: keeps them at the size that was asked for. Owns its workers and its restart timers. */
export class Pool extends EventEmitter<PoolEvents> {
  readonly spec: PoolSpec
  readonly #start: StartWorker
  readonly #log: Log
  readonly #workers = new Set<WorkerHandle>()
  readonly #restarts = new Set<NodeJS.Timeout>()
  #size = 0
  /** The size that was reached last: what a call that fails goes back to. */
  #settledSize = 0
  #launching = 0
  /** Launches under way, whoever asked for them. */
  readonly #pending = new Set<Promise<WorkerHandle>>()
  /** Counts the calls of `scale`: an earlier one that fails must not undo a later one. */
  #generation = 0
  #failures = 0
  #lastFailure: WorkerExit | null = null

  constructor(spec: PoolSpec, start: StartWorker, log: Log) {
    super()
    this.spec = spec
    this.#start = start
    this.#log = log
  }

  /** Workers of every state but `exited`, oldest first. */
  get workers(): readonly WorkerHandle[] {
    return [...this.#workers]
  }

  get readyWorkers(): readonly WorkerHandle[] {
    return this.workers.filter((worker) => worker.state === 'ready')
  }

  /** The number of workers that was asked for. */
  get size(): number {
    return this.#size
  }

  /** The last exit nobody had asked for, until all is well again. */
  get lastFailure(): WorkerExit | null {
    return this.#lastFailure
  }

  /**
   * Brings the pool to `size` workers: grown, when all new ones are ready; shrunk, when the surplus ones are gone.
   * @throws CserviceError when a new worker does not become ready: the new ones are stopped and the size is as before;
   *   CANCELLED when a later call has made the pool smaller meanwhile: the later one decides
   */
  async scale(size: number, reason: StartReason): Promise<{ started: number; stopped: number }> {
    const generation = ++this.#generation
    this.#size = size
    const stopping = this.#shrink()
    const wanted = Math.max(0, size - this.#liveCount())
    if (wanted > 0) this.#clearRestarts()
    for (let started = 0; started < wanted; started++) void this.#launchWorker(reason)
    // Those that an earlier call has begun to start count towards the size, so they are waited for as well.
    const launches = [...this.#pending]
    try {
      await (size === 0 ? Promise.allSettled(launches) : Promise.all(launches.map(unlessCancelled)))
    } catch (error) {
      // The first failure decides. What a later call wants is not undone by an earlier one.
      if (generation === this.#generation) {
        this.#size = this.#settledSize
        await Promise.all([...this.#shrink(), ...launches.map((launched) => launched.catch(() => {}))])
      }
      throw error
    }
    this.#settledSize = Math.min(size, this.#size)
    if (this.#size < size)
      throw new CserviceError('CANCELLED', `${this.spec.name}: meanwhile it was brought to ${this.#size} workers`)
    await Promise.all(stopping)
    if (size > 0) this.#forgetFailures()
    return { started: wanted, stopped: stopping.length }
  }

  /** Stops all workers, each after its drain. Never fails. The pool can be scaled up again. */
  async stop(): Promise<void> {
    await this.scale(0, 'scale')
    await Promise.all(this.workers.map((worker) => worker.exited))
  }

  /** Stops this one worker, after its drain, and makes the pool smaller by it; one that is leaving already just ends. */
  async stopWorker(worker: WorkerHandle): Promise<void> {
    if (!isUp(worker)) return void (await worker.exited)
    this.#size = Math.max(0, this.#size - 1)
    this.#settledSize = Math.min(this.#settledSize, this.#size)
    await this.#retire(worker)
  }

  /** SIGKILL for all, at once. */
  async kill(): Promise<void> {
    this.#generation++
    this.#size = this.#settledSize = 0
    this.#clearRestarts()
    await Promise.all(this.workers.map((worker) => worker.kill()))
  }

  /** Workers that count towards the size: up or coming up. */
  #liveCount(): number {
    return this.workers.filter(isUp).length + this.#launching
  }

  /** Those that are starting leave first, then the youngest: the oldest have proved themselves. */
  #shrink(): Promise<void>[] {
    if (this.#size === 0) this.#clearRestarts()
    const up = this.workers.filter(isUp).reverse()
    const isStarting = (worker: WorkerHandle) => Number(worker.state === 'starting')
    const leaving = up.sort((a, b) => isStarting(b) - isStarting(a)).slice(0, Math.max(0, up.length - this.#size))
    return leaving.map((worker) => this.#retire(worker))
  }

  async #retire(worker: WorkerHandle): Promise<void> {
    if (worker.state === 'ready' && this.spec.drain) {
      worker.drain()
      const drained = this.spec
        .drain(worker)
        .catch((error: unknown) => this.#log.warn({ err: error, worker: worker.name }, 'not drained'))
      await Promise.race([drained, worker.exited])
    }
    await worker.stop()
  }

  #launchWorker(reason: StartReason): Promise<WorkerHandle> {
    const launched = this.#launchOne(reason).finally(() => this.#pending.delete(launched))
    this.#pending.add(launched)
    return launched
  }

  /** A worker that had bad luck is tried again, with a launch of its own; one that is a restart is restarted anyway. */
  async #launchOne(reason: StartReason): Promise<WorkerHandle> {
    for (let attempt = 1; ; attempt++) {
      const worker = await this.#spawnOne(reason)
      try {
        await worker.ready
        return worker
      } catch (error) {
        const exit = error instanceof CserviceError ? (error.details as WorkerExit | undefined) : undefined
        const hadBadLuck = exit !== undefined && this.spec.isBadLuck?.(exit)
        if (!hadBadLuck || reason === 'failure' || attempt === maxLaunches) throw error
      }
    }
  }

  async #spawnOne(reason: StartReason): Promise<WorkerHandle> {
    this.#launching++
    let worker: WorkerHandle
    try {
      const launch = await this.spec.launch()
      if (this.#liveCount() > this.#size) {
        launch.release?.()
        throw new CserviceError('CANCELLED', `${this.spec.name}: the pool shrank while a worker was being prepared`)
      }
      worker = await this.#startWorker(launch, reason)
    } finally {
      this.#launching--
    }
    this.#workers.add(worker)
    worker.on('state', () => this.emit('change', worker))
    worker.once('exit', (exit, { isExpected }) => this.#onExit(worker, exit, isExpected))
    this.emit('worker', worker)
    return worker
  }

  async #startWorker(launch: Launch, reason: StartReason): Promise<WorkerHandle> {
    const { name } = this.spec
    try {
      return await this.#start(launch, { name, reason, timeouts: this.spec })
    } catch (cause) {
      // The system has no process or descriptor left to give.
      launch.release?.()
      throw new CserviceError('WORKER_FAILED', `${name}: no process could be started: ${String(cause)}`, { cause })
    }
  }

  #onExit(worker: WorkerHandle, exit: WorkerExit, isExpected: boolean): void {
    this.#workers.delete(worker)
    if (isExpected) return
    this.#lastFailure = exit
    // One that was being started for the first time is the business of whoever asked for it.
    if (worker.readyAt === null && worker.reason !== 'failure') return
    this.#replace(exit, worker.readyAt === null ? null : Date.now() - worker.readyAt)
  }

  #replace(exit: WorkerExit, readyFor: number | null): void {
    if (this.#liveCount() >= this.#size) return
    const policy = this.spec.restart ?? defaultRestartPolicy
    const verdict = decideRestart(policy, this.#failures, readyFor, Math.random())
    this.#failures = verdict.failures
    const gaveUp = verdict.action === 'give-up'
    this.#log.error(
      { worker: this.spec.name, pid: exit.pid, stderr: exit.stderr.slice(-3), failures: verdict.failures },
      `${explainFailure(exit)}; ${gaveUp ? 'it exits again and again and is not restarted' : `restarted in ${verdict.delay} ms`}`,
    )
    if (!gaveUp) this.#restartAfter(verdict.delay)
    else if (this.readyWorkers.length > 0) this.#restartAfter(refillDelay)
    this.emit('failure', exit, { gaveUp })
  }

  #restartAfter(delay: number): void {
    const timer = setTimeout(() => {
      this.#restarts.delete(timer)
      if (this.#liveCount() >= this.#size) return
      this.#launchWorker('failure').then(
        () => {
          if (this.readyWorkers.length >= this.#size) this.#lastFailure = null // the count of failures stays until it is stable
        },
        (error: unknown) => this.#onRestartFailure(error),
      )
    }, delay)
    this.#restarts.add(timer)
  }

  /** A restart that ended in an exit is handled where the exit is; here are those that never had a process, or were late. */
  #onRestartFailure(thrown: unknown): void {
    const error = toCserviceError(thrown)
    if (error.code === 'CANCELLED') return
    const exit = error.code === 'WORKER_FAILED' ? ((error.details as WorkerExit | undefined) ?? null) : null
    const wasAnExit = exit !== null && (exit.exitCode !== null || exit.signal !== null || exit.pid === null)
    if (wasAnExit) return
    this.#replace(exit ?? neverStarted(this.spec.name, error.message), null)
  }

  #forgetFailures(): void {
    this.#failures = 0
    this.#lastFailure = null
  }

  #clearRestarts(): void {
    for (const timer of this.#restarts) clearTimeout(timer)
    this.#restarts.clear()
  }
}

/** Whether it counts towards the size of its pool. */
function isUp({ state }: WorkerHandle): boolean {
  return state === 'starting' || state === 'ready'
}

/** Settles with the launch, but one that was called off is no failure of those who merely waited for it. */
async function unlessCancelled(launched: Promise<WorkerHandle>): Promise<void> {
  try {
    await launched
  } catch (error) {
    if (!(error instanceof CserviceError && error.code === 'CANCELLED')) throw error
  }
}
