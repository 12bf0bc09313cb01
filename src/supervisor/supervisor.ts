import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { CserviceError } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import { channelSocketName } from '../common/runtime-directory.ts'
import { AdoptedProcess } from './adopted-process.ts'
import { ChannelServer } from './channel-server.ts'
import type { FoundProcess } from './found-process.ts'
import { Inheritance } from './inheritance.ts'
import { Inventory, type InventoryContent, type InventoryEntry, readInventory } from './inventory.ts'
import type { Launch } from './launch.ts'
import { ListeningSockets } from './listening-sockets.ts'
import { type OutputSink, processOutput } from './output.ts'
import { Pool } from './pool.ts'
import type { PoolSpec } from './pool-spec.ts'
import type { ReserveSettings } from './spares/reserve-policy.ts'
import { Spares } from './spares/spares.ts'
import { none } from './start-launch.ts'
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
  /** What an earlier supervisor of this directory has left: `adopt` it. */
  readonly inheritance: Inheritance
  readonly #inventory: Inventory
  readonly #notes = new Map<string, () => unknown>()
  readonly #channel: ChannelServer
  readonly #log: Log
  readonly #output: OutputSink
  readonly #pools = new Set<Pool>()
  /** Tells the workers of this supervisor from those of an earlier one that are still there. */
  readonly #instance = randomBytes(4).toString('hex')
  #lastWorker = 0
  #isWardsUpdateDue = false
  #isStopping = false

  private constructor(channel: ChannelServer, left: InventoryContent, options: SupervisorOptions) {
    super()
    this.#channel = channel
    this.#inventory = new Inventory(options.directory, () => this.#content(), options.log)
    this.inheritance = new Inheritance(left, channel, options.log, () => this.#inventory.update())
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
    const { directory, log } = options
    const left = readInventory(directory, log)
    // Nobody is heard before the constructor has run, so that none of those that are expected is told to end.
    return new Supervisor(await ChannelServer.open(join(directory, channelSocketName), log), left, options)
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
      this.#inventory.update()
    })
    pool.on('worker', (worker) => {
      this.#updateWards()
      this.#inventory.update()
      if (spec.keepsWatch) worker.on('connected', () => this.#updateWards())
      this.emit('worker', worker, pool)
    })
    return pool
  }

  /**
   * Takes a process that has been found over into a pool.
   * @param launch what it was started by, as far as that is known
   * @param served when it may be drained, if it was to stop
   */
  adopt(pool: Pool, found: FoundProcess, launch: Launch, served = Promise.resolve()): WorkerHandle {
    const { spec } = pool
    const { entry, early } = found
    const { id, reason, state } = entry
    const process = new AdoptedProcess(entry, spec.name, this.#output)
    const options = { id, name: spec.name, reason, timeouts: spec, predecessor: none }
    const parts = { ...options, channel: this.#channel, output: this.#output, log: this.#log }
    // One that was being drained is, once more: proxy processes are told of it first, so that they tell when it is free.
    const past = { ...entry, state: state === 'draining' ? 'ready' : state } as const
    const worker = new WorkerHandle(launch, parts, { process, early }, past)
    pool.adopt(worker, state === 'draining' || state === 'stopping' ? served : null)
    this.inheritance.take(found)
    return worker
  }

  /** Has `content` written down, under this name, for the supervisor that may have to come after this one. JSON-able. */
  note(name: string, content: () => unknown): void {
    this.#notes.set(name, content)
  }

  /** A note has changed. */
  noteSoon(): void {
    this.#inventory.update()
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
    const { inheritance } = this
    const pools = this.pools.map((pool) => this.removePool(pool, timeout))
    await Promise.all([this.spares.close(), inheritance.endRest(), ...pools])
    await this.#inventory.close(inheritance.processes.length === 0)
    await this.#channel.close()
  }

  /** SIGKILL for every worker, at once. */
  async kill(): Promise<void> {
    this.#isStopping = true
    this.inheritance.kill()
    await Promise.all([this.spares.close(), ...this.pools.map((pool) => pool.kill())])
    await this.#inventory.close(true)
    await this.#channel.close()
  }

  #nextId(): string {
    return `${this.#instance}-${++this.#lastWorker}`
  }

  #content(): InventoryContent {
    const owned = this.pools.flatMap(({ workers, spec: { tag = null } }) =>
      workers.flatMap((worker) => entryOf(worker, tag) ?? []),
    )
    const notes = Object.fromEntries([...this.#notes].map(([name, content]) => [name, content()]))
    return { processes: [...owned, ...this.inheritance.entries], notes: { ...this.inheritance.notes, ...notes } }
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

/** null: nothing to take over, since it ends with its supervisor, has ended, or could not be told from another one. */
function entryOf(worker: WorkerHandle, tag: unknown): InventoryEntry | null {
  const { id, kind, port, host, state, reason, startedAt, readyAt, file, cwd, ward } = worker
  if (kind === 'cluster' || state === 'exited' || ward === null || ward.startTime === null) return null
  const { pid, startTime } = ward
  return { id, pid, startTime, tag, kind, port, host, state, reason, startedAt, readyAt, file, cwd }
}
