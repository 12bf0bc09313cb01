import { EventEmitter } from 'node:events'
import { CserviceError, type ErrorCode, toCserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Pool } from '../../supervisor/pool.ts'
import { explainFailure } from '../../supervisor/worker-exit.ts'
import type { StartReason } from '../../supervisor/worker-options.ts'
import type { Route } from '../routing/route-table.ts'
import { Activity } from './activity.ts'

/** After a failed start, how long requests are turned away before one may try again; doubles with each failure in a row. */
const firstRetryDelay = 1_000
const maxRetryDelay = 60_000
/** A version that has not failed for this long is well: its failures in a row are counted anew. */
const wellAfter = 2 * maxRetryDelay
/** Why a version may not be started just now, which says nothing about the version. */
const refusals: ReadonlySet<ErrorCode> = new Set(['VERSION_LIMIT', 'START_RATE_EXCEEDED'])

interface Failure {
  readonly error: CserviceError
  readonly retryAt: number
}

/** What a version needs from the gateway: pools to run in. */
export interface PoolFactory {
  create(version: string): Pool
  /** Stops the pool, drained, and forgets it. Never rejects. */
  remove(pool: Pool): Promise<void>
}

/**
 * The life of one version that runs, or ran, or failed to: cold, starting, ready or failed. Owns its pool. A pool that is
 * being stopped is no longer the version's: the next start gets a new one, so that nothing waits for the old to drain.
 */
export class Version extends EventEmitter<{ change: [] }> {
  readonly name: string
  readonly activity = new Activity(Date.now())
  readonly #pools: PoolFactory
  readonly #retiring = new Map<Pool, Promise<void>>()
  #pool: Pool | null = null
  #attempt = 0
  #flights = 0
  #failure: Failure | null = null
  #failuresInARow = 0
  #failedAt = 0

  constructor(name: string, pools: PoolFactory) {
    super()
    this.name = name
    this.#pools = pools
  }

  /** What proxy processes are told of it. */
  get route(): Route {
    const targets = (this.#pool?.readyWorkers ?? []).flatMap(({ id, host, port }) =>
      port === null ? [] : [{ id, host, port }],
    )
    const attempt = this.#attempt
    if (targets.length > 0) return { state: 'ready', attempt, targets }
    if (this.#flights > 0) return { state: 'starting', attempt, targets }
    if (this.#failure) {
      const { code: reason } = this.#failure.error
      const code: ErrorCode = refusals.has(reason) ? reason : 'VERSION_FAILED'
      return { state: 'failed', attempt, targets, retryAt: this.#failure.retryAt, code }
    }
    return { state: this.size > 0 ? 'starting' : 'cold', attempt, targets }
  }

  get isRunning(): boolean {
    const { state } = this.route
    return state === 'starting' || state === 'ready'
  }

  /** Workers that were asked for. */
  get size(): number {
    return this.#pool?.size ?? 0
  }

  get pool(): Pool | null {
    return this.#pool
  }

  /** Pools that are being stopped, their last requests still in flight. */
  get retiring(): readonly Pool[] {
    return [...this.#retiring.keys()]
  }

  /** Why it does not run, or not as it should; null when all is well. */
  get error(): CserviceError | null {
    if (this.#failure) return this.#failure.error
    const exit = this.#pool?.lastFailure
    return exit ? new CserviceError('WORKER_FAILED', explainFailure(exit), { details: exit }) : null
  }

  /** Whether a request may start it now: it is cold, or failed long enough ago. */
  mayStart(now: number): boolean {
    const route = this.route
    return route.state === 'cold' || (route.state === 'failed' && now >= (route.retryAt ?? 0))
  }

  /**
   * Brings it to `size` workers.
   * @throws CserviceError when one does not become ready; then everything is as before
   */
  async scale(size: number, reason: StartReason): Promise<{ started: number; stopped: number }> {
    if (size === 0) return { started: 0, stopped: await this.stop() }
    const wasRunning = this.isRunning
    this.#pool ??= this.#createPool()
    const pool = this.#pool
    if (!wasRunning) this.#attempt++
    this.#flights++
    this.activity.touch(Date.now())
    this.emit('change')
    try {
      const result = await pool.scale(size, reason)
      // It is up, which says nothing yet of whether it stays up: one that crashes again and again comes up each time.
      this.#failure = null
      if (reason !== 'demand') this.#failuresInARow = 0
      return result
    } catch (thrown) {
      const error = toCserviceError(thrown)
      if (pool === this.#pool && pool.readyWorkers.length === 0 && error.code !== 'CANCELLED') this.fail(error)
      throw error
    } finally {
      this.#flights--
      this.emit('change')
    }
  }

  /** Takes workers over that an earlier gateway has started. */
  adopt(take: (pool: Pool) => void): void {
    this.#pool ??= this.#createPool()
    take(this.#pool)
    this.emit('change')
  }

  /** In the background: nobody waits for the last requests of workers that are not needed any more. */
  shrink(size: number, log: Log): void {
    if (this.size <= size) return
    this.scale(size, 'scale').catch((error: unknown) => {
      log.warn({ err: error, version: this.name }, 'surplus workers were not stopped')
    })
  }

  /** Records why it could not be started; requests are turned away with that until it may be tried again. */
  fail(error: CserviceError): void {
    const now = Date.now()
    if (now - this.#failedAt >= wellAfter) this.#failuresInARow = 0
    this.#failedAt = now
    const delay = Math.min(maxRetryDelay, firstRetryDelay * 2 ** this.#failuresInARow)
    this.#failuresInARow++
    this.#failure = { error, retryAt: now + delay }
    const pool = this.#pool
    if (pool) this.#retire(pool)
    this.emit('change')
  }

  /**
   * It may not be started now: requests are turned away for a moment.
   * @param delay milliseconds; by default no longer than a moment, since room may come any time
   */
  refuse(error: CserviceError, delay = firstRetryDelay): void {
    this.#attempt++ // those that wait for this start are refused with it
    this.#failure = { error, retryAt: Date.now() + delay }
    this.emit('change')
  }

  /** Stops all its workers, each when nothing is in flight on it. @returns how many */
  async stop(): Promise<number> {
    this.#failure = null
    const pool = this.#pool
    if (!pool) return 0
    const count = pool.workers.length
    const stopped = this.#retire(pool)
    this.emit('change')
    await stopped
    return count
  }

  /** Resolves when the pools that are being stopped are gone. */
  async stopped(): Promise<void> {
    await Promise.all(this.#retiring.values())
  }

  #createPool(): Pool {
    const pool = this.#pools.create(this.name)
    pool.on('change', () => this.emit('change'))
    pool.on('failure', (exit, { gaveUp }) => {
      if (!gaveUp || pool !== this.#pool || pool.readyWorkers.length > 0) return
      this.fail(new CserviceError('CRASH_LOOP', `${explainFailure(exit)}, again and again`, { details: exit }))
    })
    return pool
  }

  #retire(pool: Pool): Promise<void> {
    if (this.#pool === pool) this.#pool = null
    const removed = this.#pools.remove(pool).finally(() => this.#retiring.delete(pool))
    this.#retiring.set(pool, removed)
    return removed
  }
}
