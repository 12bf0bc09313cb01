import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { CserviceError } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import { ChannelServer } from './channel-server.ts'
import { ListeningSockets } from './listening-sockets.ts'
import { type OutputSink, processOutput } from './output.ts'
import { Pool } from './pool.ts'
import type { PoolSpec } from './pool-spec.ts'
import type { ReserveSettings } from './spares/reserve-policy.ts'
import { Spares } from './spares/spares.ts'
import { WorkerHandle } from './worker.ts'

export interface SupervisorOptions {
  /** A directory that only the owner can enter; the channel's socket is put there. */
  readonly directory: string
  readonly log: Log
  /** Where workers' output goes; our own standard output and error by default. */
  readonly output?: OutputSink
  /** Where listening sockets come from; new ones if left out. */
  readonly sockets?: ListeningSockets
  /** Warm spares that workers are made from, where their launch allows it; none by default. */
  readonly spares?: ReserveSettings
}

interface SupervisorEvents {
  /** A process was started, in whatever pool. */
  worker: [WorkerHandle, Pool]
}

/** Starts, watches and stops pools of processes; knows nothing of what they do. Owns the channel and all pools. */
export class Supervisor extends EventEmitter<SupervisorEvents> {
  /** Processes that wait to become workers; configure it at any time. */
  readonly spares: Spares
  readonly sockets: ListeningSockets
  readonly #channel: ChannelServer
  readonly #log: Log
  readonly #output: OutputSink
  readonly #pools = new Set<Pool>()
  /** Tells the workers of this supervisor from those of an earlier one that are still there. */
  readonly #instance = randomBytes(4).toString('hex')
  #lastWorker = 0
  #isWardsUpdateDue = false
  #isStopping = false

  private constructor(channel: ChannelServer, options: SupervisorOptions) {
    super()
    this.#channel = channel
    this.#log = options.log
    this.sockets = options.sockets ?? new ListeningSockets()
    this.#output = options.output ?? processOutput
    this.spares = new Spares({
      channel,
      log: options.log,
      nextId: () => this.#nextId(),
      isBusy: () => this.workers.some(({ state }) => state === 'starting'),
    })
    this.spares.on('change', () => this.#updateWards())
    if (options.spares) this.spares.configure(options.spares)
  }

  static async open(options: SupervisorOptions): Promise<Supervisor> {
    const channel = await ChannelServer.open(join(options.directory, 'channel.sock'), options.log)
    return new Supervisor(channel, options)
  }

  /**
   * A new, empty pool; `scale` it to start workers, `remove` it when it is stopped.
   * @throws CserviceError SHUTTING_DOWN
   */
  createPool(spec: PoolSpec): Pool {
    if (this.#isStopping) throw new CserviceError('SHUTTING_DOWN')
    const pool = new Pool(
      spec,
      async (launch, options) => {
        const spare = await this.spares.take(launch)
        if (spare && this.#isStopping) {
          spare.kill() // whoever stops the pools may have looked for their workers already
          throw new CserviceError('SHUTTING_DOWN')
        }
        return WorkerHandle.start(launch, {
          ...options,
          id: spare?.id ?? this.#nextId(),
          spare,
          channel: this.#channel,
          output: this.#output,
          log: this.#log,
        })
      },
      this.#log,
    )
    this.#pools.add(pool)
    pool.on('change', () => {
      this.#updateWards()
      this.spares.look()
    })
    pool.on('worker', (worker) => {
      this.#updateWards()
      if (spec.keepsWatch) worker.on('connected', () => this.#updateWards())
      this.emit('worker', worker, pool)
    })
    return pool
  }

  /** Stops a pool and forgets it. @param timeout milliseconds for each worker, instead of the pool's */
  async removePool(pool: Pool, timeout?: number): Promise<void> {
    await pool.close(timeout)
    this.#pools.delete(pool)
  }

  /** Where its processes find it. */
  get channelPath(): string {
    return this.#channel.path
  }

  get pools(): readonly Pool[] {
    return [...this.#pools]
  }

  get workers(): readonly WorkerHandle[] {
    return this.pools.flatMap((pool) => pool.workers)
  }

  /** Stops every pool, then closes the channel. @param timeout milliseconds for each worker, instead of its pool's */
  async stop(timeout?: number): Promise<void> {
    this.#isStopping = true
    await Promise.all([this.spares.close(), ...this.pools.map((pool) => this.removePool(pool, timeout))])
    await this.#channel.close()
  }

  /** SIGKILL for every worker, at once. */
  async kill(): Promise<void> {
    this.#isStopping = true
    await Promise.all([this.spares.close(), ...this.pools.map((pool) => pool.kill())])
    await this.#channel.close()
  }

  #nextId(): string {
    return `${this.#instance}-${++this.#lastWorker}`
  }

  /** Tells the processes that keep watch whom to end, once for all changes of one turn. */
  #updateWards(): void {
    if (this.#isWardsUpdateDue) return
    this.#isWardsUpdateDue = true
    setImmediate(() => {
      this.#isWardsUpdateDue = false
      const watched = this.pools.filter((pool) => !pool.spec.keepsWatch).flatMap((pool) => pool.workers)
      const pids = [...watched.flatMap((worker) => worker.ward ?? []), ...this.spares.wards]
      for (const pool of this.pools) {
        if (pool.spec.keepsWatch) for (const worker of pool.workers) worker.tell({ type: 'wards', pids })
      }
    })
  }
}
