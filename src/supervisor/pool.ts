import { EventEmitter } from 'node:events'
import { CserviceError, toCserviceError } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import type { PoolSpec } from './pool-spec.ts'
import { exitOf, Restarts } from './restarts.ts'
import { type LaunchOptions, type StartWorker, startLaunch } from './start-launch.ts'
import type { WorkerHandle } from './worker.ts'
import { neverStarted, type WorkerExit } from './worker-exit.ts'
import type { CallTimeouts, StartReason, StopReason } from './worker-options.ts'
import { isUp } from './worker-state.ts'

interface PoolEvents {
  worker: [WorkerHandle]
  /** A worker changed its state. */
  change: [WorkerHandle]
  /** A worker exited unasked; with `gaveUp` it is not replaced, since it is a crash loop. */
  failure: [WorkerExit, { readonly gaveUp: boolean }]
}

type StopOptions = { readonly reason?: StopReason; readonly timeout?: number | undefined }

/** How often a worker is launched that has had bad luck each time. */
const maxLaunches = 3

/** All workers of one spec: keeps them at the size that was asked for. Owns its workers. */
export class Pool extends EventEmitter<PoolEvents> {
  readonly spec: PoolSpec
  readonly #start: StartWorker
  readonly #log: Log
  readonly #restarts: Restarts
  readonly #workers = new Set<WorkerHandle>()
  #size = 0
  /** The size that was reached last: what a call that fails goes back to. */
  #settledSize = 0
  #launching = 0
  /** Workers that are there beside their successors, which come up. */
  #replacing = 0
  /** Launches under way, whoever asked for them. */
  readonly #pending = new Set<Promise<WorkerHandle>>()
  /** Counts the calls of `scale`: an earlier one that fails must not undo a later one. */
  #generation = 0
  #isClosed = false

  constructor(spec: PoolSpec, start: StartWorker, log: Log) {
    super()
    this.spec = spec
    this.#start = start
    this.#log = log
    const { name, restart: policy, keepsTrying = false } = spec
    this.#restarts = new Restarts(
      {
        name,
        policy,
        keepsTrying,
        isShort: () => this.#liveCount() < this.#size,
        hasReadyWorkers: () => this.readyWorkers.length > 0,
        launch: () => this.#launchWorker({ reason: 'failure' }),
        onFailure: (exit, verdict) => this.emit('failure', exit, verdict),
      },
      log,
    )
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
    return this.#restarts.lastFailure
  }

  /** Whether its workers exit again and again, and it has given up, or tries only seldom. */
  get isCrashLoop(): boolean {
    return this.#restarts.isCrashLoop
  }

  /**
   * Brings the pool to `size` workers: grown, when all new ones are ready; shrunk, when the surplus ones are gone.
   * @throws CserviceError when a new worker does not become ready: the new ones are stopped and the size is as before;
   *   CANCELLED when a later call has made the pool smaller meanwhile: the later one decides
   */
  async scale(
    size: number,
    reason: StartReason,
    stop: StopOptions = {},
  ): Promise<{ started: number; stopped: number }> {
    if (size > 0) this.#refuseIfClosed()
    const generation = ++this.#generation
    this.#size = size
    const stopping = this.#shrink(stop.reason ?? 'scale', stop.timeout)
    const wanted = Math.max(0, size - this.#liveCount())
    if (wanted > 0) this.#restarts.clear()
    for (let started = 0; started < wanted; started++) void this.#launchWorker({ reason })
    // Those that an earlier call has begun to start count towards the size, so they are waited for as well.
    const launches = [...this.#pending]
    try {
      await (size === 0 ? Promise.allSettled(launches) : Promise.all(launches.map(unlessCancelled)))
    } catch (error) {
      // The first failure decides. What a later call wants is not undone by an earlier one.
      if (generation === this.#generation) {
        this.#size = this.#settledSize
        await Promise.all([...this.#shrink('scale'), ...launches.map((launched) => launched.catch(() => {}))])
      }
      throw error
    }
    this.#settledSize = Math.min(size, this.#size)
    if (this.#size < size)
      throw new CserviceError('CANCELLED', `${this.spec.name}: meanwhile it was brought to ${this.#size} workers`)
    await Promise.all(stopping)
    if (size > 0) this.#restarts.forget()
    return { started: wanted, stopped: stopping.length }
  }

  /**
   * Makes the pool larger by one worker, and resolves when that is ready.
   * @param predecessor the worker, of another pool perhaps, whose place the new one is to take
   * @throws CserviceError when it does not become ready: the pool is as before
   */
  async grow(reason: StartReason, timeouts: CallTimeouts = {}, predecessor?: WorkerHandle): Promise<WorkerHandle> {
    this.#refuseIfClosed()
    this.#size++
    try {
      const places = predecessor?.places ?? []
      const worker = await this.#launchWorker({ reason, startTimeout: timeouts.start, predecessor: places })
      this.#settledSize = Math.min(this.#size, this.#settledSize + 1)
      this.#restarts.forget()
      return worker
    } catch (error) {
      this.#size = Math.max(0, this.#size - 1)
      throw error
    }
  }

  /**
   * Puts a new worker in the place of this one, which is asked to stop when the new one is ready, so that there is never a
   * worker less; resolves when the old one is gone.
   * @throws CserviceError when the new one does not become ready: the old one stays
   */
  async replace(worker: WorkerHandle, reason: StartReason, timeouts: CallTimeouts = {}): Promise<WorkerHandle> {
    this.#refuseIfClosed()
    this.#replacing++
    let successor: WorkerHandle
    try {
      successor = await this.#launchWorker({ reason, startTimeout: timeouts.start, predecessor: worker.places })
    } catch (error) {
      this.#replacing--
      // The old one may have died meanwhile, when its successor still counted in its place.
      if (this.#liveCount() < this.#size) this.#restarts.replace(exitOf(error) ?? lost(this.spec.name, error), null)
      throw error
    }
    const retired = isUp(worker) ? this.#retire(worker, 'restart', timeouts.stop) : worker.exited
    this.#replacing--
    this.#restarts.forget()
    await retired
    return successor
  }

  /** Stops all workers, each after its drain. Never fails. The pool can be scaled up again. */
  async stop(timeout?: number): Promise<void> {
    await this.scale(0, 'scale', { reason: 'shutdown', timeout })
    await Promise.all(this.workers.map((worker) => worker.exited))
  }

  /** Stops all workers for good: whoever was half way through something must not start one again. */
  async close(timeout?: number): Promise<void> {
    this.#isClosed = true
    await this.stop(timeout)
  }

  /**
   * Makes the pool smaller by this worker, which is stopped after its drain. One that is leaving already just ends; one that
   * has crashed is not replaced.
   */
  async stopWorker(worker: WorkerHandle, reason: StopReason, timeout?: number): Promise<void> {
    if (worker.state === 'draining' || worker.state === 'stopping') return void (await worker.exited)
    this.#size = Math.max(0, this.#size - 1)
    this.#settledSize = Math.min(this.#settledSize, this.#size)
    if (isUp(worker)) await this.#retire(worker, reason, timeout)
    else await Promise.all(this.#shrink(reason, timeout))
  }

  /** SIGKILL for all, at once. */
  async kill(): Promise<void> {
    this.#generation++
    this.#size = this.#settledSize = 0
    this.#restarts.clear()
    await Promise.all(this.workers.map((worker) => worker.kill()))
  }

  #refuseIfClosed(): void {
    if (this.#isClosed)
      throw new CserviceError('CANCELLED', `${this.spec.name}: its workers are being stopped for good`)
  }

  /** Workers that count towards the size: up or coming up. */
  #liveCount(): number {
    return this.workers.filter(isUp).length + this.#launching
  }

  /** How many there may be now. */
  get #limit(): number {
    return this.#size === 0 ? 0 : this.#size + this.#replacing
  }

  /** Those that are starting leave first, then the youngest: the oldest have proved themselves. */
  #shrink(reason: StopReason, timeout?: number): Promise<void>[] {
    if (this.#size === 0) this.#restarts.clear()
    const up = this.workers.filter(isUp).reverse()
    const isStarting = (worker: WorkerHandle) => Number(worker.state === 'starting')
    const leaving = up.sort((a, b) => isStarting(b) - isStarting(a)).slice(0, Math.max(0, up.length - this.#limit))
    return leaving.map((worker) => this.#retire(worker, reason, timeout))
  }

  async #retire(worker: WorkerHandle, reason: StopReason, timeout?: number): Promise<void> {
    if (worker.state === 'ready' && this.spec.drain) {
      worker.drain()
      const drained = this.spec
        .drain(worker)
        .catch((error: unknown) => this.#log.warn({ err: error, worker: worker.name }, 'not drained'))
      await Promise.race([drained, worker.exited])
    }
    await worker.stop(reason, timeout)
  }

  #launchWorker(options: LaunchOptions): Promise<WorkerHandle> {
    const launched = this.#launchOne(options).finally(() => this.#pending.delete(launched))
    this.#pending.add(launched)
    return launched
  }

  /** A worker that had bad luck is tried again, with a launch of its own; one that is a restart is restarted anyway. */
  async #launchOne(options: LaunchOptions): Promise<WorkerHandle> {
    for (let attempt = 1; ; attempt++) {
      const worker = await this.#spawnOne(options)
      try {
        await worker.ready
        return worker
      } catch (error) {
        const exit = exitOf(error)
        const hadBadLuck = exit !== null && this.spec.isBadLuck?.(exit)
        if (!hadBadLuck || options.reason === 'failure' || attempt === maxLaunches) throw error
      }
    }
  }

  async #spawnOne(options: LaunchOptions): Promise<WorkerHandle> {
    this.#launching++
    let worker: WorkerHandle
    try {
      const launch = await this.spec.launch()
      if (this.#liveCount() > this.#limit) {
        launch.release?.()
        throw new CserviceError('CANCELLED', `${this.spec.name}: the pool shrank while a worker was being prepared`)
      }
      worker = await startLaunch(this.#start, this.spec, launch, options)
    } finally {
      this.#launching--
    }
    this.#workers.add(worker)
    worker.on('state', () => this.emit('change', worker))
    worker.once('exit', (exit, { isExpected }) => this.#onExit(worker, exit, isExpected))
    this.emit('worker', worker)
    if (this.#liveCount() > this.#limit) void Promise.all(this.#shrink('scale')) // it shrank while the process was started
    return worker
  }

  #onExit(worker: WorkerHandle, exit: WorkerExit, isExpected: boolean): void {
    this.#workers.delete(worker)
    if (isExpected) return
    // One that was being started for the first time is the business of whoever asked for it.
    if (worker.readyAt === null && worker.reason !== 'failure') this.#restarts.note(exit)
    else this.#restarts.replace(exit, worker.readyAt === null ? null : Date.now() - worker.readyAt)
  }
}

function lost(name: string, error: unknown): WorkerExit {
  return neverStarted(name, toCserviceError(error).message)
}

/** Settles with the launch, but one that was called off is no failure of those who merely waited for it. */
async function unlessCancelled(launched: Promise<WorkerHandle>): Promise<void> {
  try {
    await launched
  } catch (error) {
    if (!(error instanceof CserviceError && error.code === 'CANCELLED')) throw error
  }
}
