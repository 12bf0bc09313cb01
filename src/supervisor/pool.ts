import { EventEmitter } from 'node:events'
import type { Log } from '../common/log.ts'
import { cancelled, unlessCancelled } from './cancelled.ts'
import { PoolSize } from './pool-size.ts'
import type { PoolEvents, PoolSpec } from './pool-spec.ts'
import { Restarts } from './restarts.ts'
import { hurryWorker, leavingOf, type Retirement, retireWorker } from './retire-worker.ts'
import { type LaunchOptions, launchUntilReady, type StartWorker, startLaunch } from './start-launch.ts'
import type { WorkerHandle } from './worker.ts'
import type { WorkerExit } from './worker-exit.ts'
import type { CallTimeouts, StartReason, StopReason } from './worker-options.ts'
import { isUp } from './worker-state.ts'

type ScaleOptions = Partial<Pick<Retirement, 'reason' | 'timeout'>> & Pick<LaunchOptions, 'startTimeout'>

/** All workers of one spec: keeps them at the size that was asked for. Owns its workers. */
export class Pool extends EventEmitter<PoolEvents> {
  readonly spec: PoolSpec
  readonly #start: StartWorker
  readonly #log: Log
  readonly #restarts: Restarts
  readonly #workers = new Set<WorkerHandle>()
  readonly #size = new PoolSize()
  #launching = 0
  /** Workers of which it is not settled whether they become ready. */
  readonly #unsettled = new Set<WorkerHandle>()
  /** Workers whose successors come up: those count in their place. */
  readonly #replaced = new Set<WorkerHandle>()
  /** Launches under way, whoever asked for them. */
  readonly #pending = new Set<Promise<WorkerHandle>>()
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
        isShort: () => this.missing > 0,
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
    return this.#size.wanted
  }

  /** The same without those that a call of `grow` has yet to bring up: that these are missing is no fault. */
  get sizeSoFar(): number {
    return this.#size.soFar
  }

  /** How many workers are neither there nor coming up: they are started later, or not at all. */
  get missing(): number {
    return Math.max(0, this.size - this.#count())
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
    { reason: stopReason = 'scale', timeout, startTimeout }: ScaleOptions = {},
  ): Promise<{ started: number; stopped: number }> {
    if (size > 0) this.#refuseIfClosed()
    const decision = this.#size.decide(size)
    const stopping = this.#shrink(stopReason, timeout)
    const wanted = this.missing
    if (wanted > 0) this.#restarts.clear()
    for (let started = 0; started < wanted; started++) void this.#launchWorker({ reason, startTimeout })
    // Those that an earlier call has begun to start count towards the size, so they are waited for as well.
    const launches = [...this.#pending]
    try {
      await (size === 0 ? Promise.allSettled(launches) : Promise.all(launches.map(unlessCancelled)))
    } catch (error) {
      // The first failure decides. What a later call wants is not undone by an earlier one.
      if (this.#size.undo(decision))
        await Promise.all([...this.#shrink('scale'), ...launches.map((launched) => launched.catch(() => {}))])
      throw error
    }
    this.#size.settle(size)
    if (this.size < size) throw cancelled(this.spec, `meanwhile it was brought to ${this.size} workers`)
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
    const growth = this.#size.beginGrowth()
    const options = { reason, startTimeout: timeouts.start, predecessor: predecessor?.asPredecessor, growth }
    const launched = this.#launchWorker(options)
    const hasGrown = await launched.then(
      () => true,
      () => false,
    )
    this.#size.endGrowth(growth, hasGrown)
    if (hasGrown) this.#restarts.forget()
    return await launched
  }

  /**
   * Puts a new worker in the place of this one, which is asked to stop when the new one is ready, so that there is never a
   * worker less; resolves when the old one is gone.
   * @throws CserviceError when the new one does not become ready: the old one stays; CANCELLED when the old one is leaving
   *   already, or shut down meanwhile
   */
  async replace(worker: WorkerHandle, reason: StartReason, timeouts: CallTimeouts = {}): Promise<WorkerHandle> {
    this.#refuseIfClosed()
    if (!isUp(worker) || this.#replaced.has(worker))
      throw cancelled(this.spec, `worker ${worker.pid} is leaving already`)
    this.#replaced.add(worker)
    const options = { reason, startTimeout: timeouts.start, predecessor: worker.asPredecessor }
    const successor = await this.#launchWorker(options).finally(() => this.#replaced.delete(worker))
    const retired = isUp(worker) ? this.#retire(worker, 'restart', timeouts.stop) : worker.exited
    this.#restarts.forget()
    await retired
    return successor
  }

  /**
   * Makes the pool larger by a worker that is there already.
   * @param leavesAfter it was to stop: after this it goes on to do so, drained, and does not count; null: it stays
   */
  adopt(worker: WorkerHandle, leavesAfter: Promise<void> | null): void {
    if (leavesAfter) this.#replaced.add(worker)
    else this.#size.raise()
    this.#keep(worker)
    if (!leavesAfter) this.#await(worker.ready.then(() => worker))
    else void leavesAfter.then(() => this.#retire(worker, 'scale')).finally(() => this.#replaced.delete(worker))
  }

  /** Stops all workers, each after its drain. Never fails. The pool can be scaled up again. */
  async stop(timeout?: number): Promise<void> {
    const leaving = this.workers.filter((worker) => !isUp(worker))
    await Promise.all([
      this.scale(0, 'scale', { reason: 'shutdown', timeout }),
      ...leaving.map((worker) => hurryWorker(worker, timeout)),
    ])
    // Those that are up belong to a later call.
    await Promise.all(this.workers.filter((worker) => !isUp(worker)).map((worker) => worker.exited))
  }

  /** Stops all workers for good: whoever was half way through something must not start one again. */
  async close(timeout?: number): Promise<void> {
    this.#isClosed = true
    await this.stop(timeout)
  }

  /**
   * Makes the pool smaller by this worker, which is stopped after its drain. One that is leaving already is given no longer
   * than this; one that has crashed is not replaced.
   */
  async stopWorker(worker: WorkerHandle, reason: StopReason, timeout?: number): Promise<void> {
    if (worker.stopReason !== null || worker.state === 'draining' || worker.state === 'stopping')
      return await hurryWorker(worker, timeout)
    this.#size.lower(worker)
    const retired = isUp(worker) ? [this.#retire(worker, reason, timeout)] : []
    await Promise.all([...retired, ...this.#shrink(reason, timeout)])
  }

  /** Makes the pool smaller by a worker that is missing or, where none is, by the least loss. */
  async stopOne(reason: StopReason, timeout?: number): Promise<void> {
    this.#size.lower(null)
    await Promise.all(this.#shrink(reason, timeout))
  }

  /** SIGKILL for all, at once. */
  async kill(): Promise<void> {
    this.#size.decide(0)
    this.#size.settle(0)
    this.#restarts.clear()
    await Promise.all(this.workers.map((worker) => worker.kill()))
  }

  #refuseIfClosed(): void {
    if (this.#isClosed) throw cancelled(this.spec, 'its workers are being stopped for good')
  }

  /** Workers that count towards the size: up or coming up, also one whose failure has yet to be told. */
  #count(): number {
    const isFailing = (worker: WorkerHandle) => worker.state === 'exited' && this.#unsettled.has(worker)
    const counts = (worker: WorkerHandle) => (isUp(worker) && !this.#replaced.has(worker)) || isFailing(worker)
    return this.workers.filter(counts).length + this.#launching
  }

  #shrink(reason: StopReason, timeout?: number): Promise<void>[] {
    if (this.size === 0) this.#restarts.clear()
    const up = this.workers.filter((worker) => isUp(worker) && (this.size === 0 || !this.#replaced.has(worker)))
    return leavingOf(up, this.size).map((worker) => this.#retire(worker, reason, timeout))
  }

  /** A launch has failed, and whoever asked for it has drawn the consequence: none is too many now, or missing for ever. */
  #settle(error: unknown): void {
    this.#shrink('scale')
    if (this.missing > 0) this.#restarts.tryAgain(error)
  }

  #retire(worker: WorkerHandle, reason: StopReason, timeout?: number): Promise<void> {
    return retireWorker(worker, this.spec, { reason, timeout, log: this.#log })
  }

  #launchWorker(options: LaunchOptions): Promise<WorkerHandle> {
    return this.#await(this.#launchOne(options))
  }

  #await(launch: Promise<WorkerHandle>): Promise<WorkerHandle> {
    const launched = launch.finally(() => this.#pending.delete(launched))
    this.#pending.add(launched)
    launched.catch((error: unknown) => setImmediate(() => this.#settle(error)))
    return launched
  }

  #launchOne(options: LaunchOptions): Promise<WorkerHandle> {
    return launchUntilReady({
      spawn: () => this.#spawnOne(options),
      // One that is a restart is restarted anyway.
      isBadLuck: (exit) => options.reason !== 'failure' && (this.spec.isBadLuck?.(exit) ?? false),
      onSettled: (worker) => this.#unsettled.delete(worker),
    })
  }

  async #spawnOne(options: LaunchOptions): Promise<WorkerHandle> {
    this.#launching++
    let worker: WorkerHandle
    try {
      const launch = await this.spec.launch()
      if (this.#count() > this.size) {
        launch.release?.()
        throw cancelled(this.spec, 'the pool shrank while a worker was being prepared')
      }
      worker = await startLaunch(this.#start, this.spec, launch, options)
    } finally {
      this.#launching--
    }
    if (options.growth) options.growth.worker = worker
    this.#unsettled.add(worker)
    this.#keep(worker)
    this.#shrink('scale') // the pool may have shrunk while the system made the process
    return worker
  }

  #keep(worker: WorkerHandle): void {
    this.#workers.add(worker)
    worker.on('state', () => this.emit('change', worker))
    worker.once('exit', (exit, { isExpected }) => this.#onExit(worker, exit, isExpected))
    this.emit('worker', worker)
  }

  #onExit(worker: WorkerHandle, exit: WorkerExit, isExpected: boolean): void {
    this.#workers.delete(worker)
    if (isExpected) return
    // One that was not ready yet is a launch that fails, and is dealt with there.
    if (worker.readyAt === null) this.#restarts.note(exit)
    else this.#restarts.replace(exit, Date.now() - worker.readyAt)
  }
}
