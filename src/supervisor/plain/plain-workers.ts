import { toCserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Pool } from '../pool.ts'
import type { Post } from '../post.ts'
import { defaultRestartPolicy } from '../restart-policy.ts'
import { concurrencyOf, roll } from '../rolling.ts'
import type { Supervisor } from '../supervisor.ts'
import type { WorkerHandle } from '../worker.ts'
import type { CallTimeouts } from '../worker-options.ts'
import { prepareEntryLaunch } from './entry-launch.ts'
import { PoolMove } from './pool-move.ts'
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
  /** Under way. */
  #upgrades = 0

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
   * Fills these posts with workers of other entries, each ready before the old one is asked to stop.
   * @returns how many: not one that was shut down before its turn came
   * @throws CserviceError why one did not become ready: then the old ones serve as before, and nothing of the new is left
   */
  async upgrade(
    posts: readonly Post[],
    toEntry: (old: WorkerEntry) => Promise<WorkerEntry>,
    options: RollOptions,
  ): Promise<number> {
    const affected = [...new Set(posts.map(({ pool }) => pool))]
    const entries = await Promise.all(affected.map((pool) => toEntry(this.#entries.get(pool) as WorkerEntry)))
    this.#upgrades++
    const moves = new Map(affected.map((pool, index) => [pool, this.#move(pool, entries[index] as WorkerEntry)]))
    let done = 0
    try {
      await roll(posts, concurrencyOf(posts.length, options.ratio), async ({ pool, worker }) => {
        if (worker?.stopReason != null) return
        await (moves.get(pool) as PoolMove).step(worker, options)
        options.onDone(++done, posts.length)
      })
    } catch (error) {
      await Promise.all([...moves.values()].map((move) => this.#undo(move)))
      throw error
    } finally {
      this.#upgrades--
      await this.forgetEmptyPools()
    }
    return done
  }

  /** Forgets the pools whose last worker was shut down or replaced; not while an upgrade may need them. */
  async forgetEmptyPools(): Promise<void> {
    if (this.#upgrades > 0) return
    await Promise.all(this.pools.filter(({ size }) => size === 0).map((pool) => this.#removePool(pool)))
  }

  #move(from: Pool, entry: WorkerEntry): PoolMove {
    return new PoolMove(from, this.#createPool(entry))
  }

  /** The old workers first, so that there is never none. */
  async #undo(move: PoolMove): Promise<void> {
    const { from, to } = move
    try {
      await move.putBack()
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
