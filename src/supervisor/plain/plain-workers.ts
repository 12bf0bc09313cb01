import { toCserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Pool } from '../pool.ts'
import { defaultRestartPolicy } from '../restart-policy.ts'
import { concurrencyOf, roll } from '../rolling.ts'
import type { Supervisor } from '../supervisor.ts'
import type { WorkerHandle } from '../worker.ts'
import type { CallTimeouts } from '../worker-options.ts'
import { prepareEntryLaunch } from './entry-launch.ts'
import type { WorkerEntry } from './worker-entry.ts'

/** Milliseconds. */
const startTimeout = 60_000
/** How long a worker may take to answer what it has in hand, and then after SIGTERM. */
const askTimeout = 60_000
const stopTimeout = 5_000

export interface RollOptions extends CallTimeouts {
  /** Which share of the workers is replaced at a time, beside one. */
  readonly ratio: number
  /** Called after each worker. */
  readonly onDone: (done: number, all: number) => void
}

/** The workers of a plain service: one pool for each entry. Owns these pools. */
export class PlainWorkers {
  readonly #supervisor: Supervisor
  readonly #log: Log
  readonly #entries = new Map<Pool, WorkerEntry>()

  constructor(supervisor: Supervisor, log: Log) {
    this.#supervisor = supervisor
    this.#log = log
  }

  get pools(): readonly Pool[] {
    return [...this.#entries.keys()]
  }

  /**
   * Starts the workers of a new entry, all at once, and resolves when all are ready.
   * @throws CserviceError why one is not: then none of them is left
   */
  async start(entry: WorkerEntry): Promise<void> {
    const pool = this.#createPool(entry)
    try {
      await pool.scale(entry.count, 'start')
    } catch (error) {
      await this.#removePool(pool)
      throw error
    }
  }

  /** The same, one worker after another. @param onDone called after each */
  async startOneByOne(
    entry: WorkerEntry,
    timeout: number,
    onDone: (done: number, all: number) => void,
  ): Promise<WorkerHandle[]> {
    const pool = this.#createPool(entry)
    const started: WorkerHandle[] = []
    try {
      while (started.length < entry.count) {
        started.push(await pool.grow('start', { start: timeout }))
        onDone(started.length, entry.count)
      }
      return started
    } catch (error) {
      await this.#removePool(pool)
      throw error
    }
  }

  /**
   * Puts workers of other entries in the place of these, each ready before the old one is asked to stop.
   * @throws CserviceError why one did not become ready: then the old ones serve as before, and nothing of the new is left
   */
  async upgrade(
    workers: readonly WorkerHandle[],
    toEntry: (old: WorkerEntry) => Promise<WorkerEntry>,
    options: RollOptions,
  ): Promise<void> {
    const affected = this.pools.filter((pool) => pool.workers.some((worker) => workers.includes(worker)))
    const entries = await Promise.all(affected.map((pool) => toEntry(this.#entries.get(pool) as WorkerEntry)))
    const successors = new Map(
      affected.map((pool, index) => {
        const successor = this.#createPool(entries[index] as WorkerEntry)
        return [pool, { pool: successor, formerSize: pool.size }]
      }),
    )
    let done = 0
    try {
      await roll(workers, concurrencyOf(workers.length, options.ratio), async (worker) => {
        const from = this.pools.find((pool) => pool.workers.includes(worker))
        const to = from && successors.get(from)
        if (!from || !to) return // it has gone meanwhile
        await to.pool.grow('upgrade', options, worker)
        await from.stopWorker(worker, 'upgrade', options.stop)
        options.onDone(++done, workers.length)
      })
    } catch (error) {
      await Promise.all([...successors].map(([from, { pool, formerSize }]) => this.#putBack(from, formerSize, pool)))
      throw error
    }
    await this.forgetEmptyPools()
  }

  /** Forgets the pools whose last worker was shut down or replaced. */
  async forgetEmptyPools(): Promise<void> {
    await Promise.all(this.pools.filter(({ size }) => size === 0).map((pool) => this.#removePool(pool)))
  }

  /** The old workers first, so that there is never none. */
  async #putBack(from: Pool, formerSize: number, to: Pool): Promise<void> {
    try {
      await from.scale(formerSize, 'restart')
    } catch (error) {
      if (toCserviceError(error).code === 'CANCELLED') return // the service stops
      this.#log.error(
        { err: error, worker: from.spec.name },
        'the former workers do not start again; the new ones stay',
      )
      if (to.readyWorkers.length > 0) return
    }
    await this.#removePool(to)
  }

  #createPool(entry: WorkerEntry): Pool {
    const pool = this.#supervisor.createPool({
      name: entry.name,
      launch: () => prepareEntryLaunch(entry),
      startTimeout,
      askTimeout,
      stopTimeout,
      restart: { ...defaultRestartPolicy, firstDelay: entry.restartDelay },
      keepsTrying: true,
      recycle: entry.limits,
      isImmune: entry.isImmune,
    })
    this.#entries.set(pool, entry)
    return pool
  }

  async #removePool(pool: Pool): Promise<void> {
    await this.#supervisor.removePool(pool)
    this.#entries.delete(pool)
  }
}
