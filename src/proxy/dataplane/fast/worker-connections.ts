import type { Target } from '../../routing/route-table.ts'
import type { Turn } from './turn.ts'
import { type Pool, WorkerConnection, type WorkerUser } from './worker-connection.ts'

/** A connection is closed before the worker would: Node's own limit is 5 s. */
const idleMs = 4_000
/** How many unused ones are kept for a target. */
const idleLimit = 1_024

/** Owns the connections to workers. */
export class WorkerConnections {
  readonly turn: Turn
  readonly #pools = new Map<string, Pool>()
  readonly #connecting = new Set<WorkerConnection>()

  constructor(turn: Turn) {
    this.turn = turn
  }

  /** An unused connection to the target, or a new one that is not open yet. */
  take(target: Target, user: WorkerUser): WorkerConnection {
    let pool = this.#pools.get(target.id)
    if (pool === undefined) {
      pool = { idle: [], isRetired: false, idleMs }
      this.#pools.set(target.id, pool)
    }
    const { now } = this.turn
    for (let kept = pool.idle.pop(); kept !== undefined; kept = pool.idle.pop()) {
      if (kept.isUsable && kept.expiresAt > now) {
        kept.use(user)
        return kept
      }
      kept.destroy()
    }
    const opened = new WorkerConnection(target, pool, user, this.turn)
    this.#connecting.add(opened)
    return opened
  }

  /**
   * Takes back a connection on which a request and its answer are over.
   * @param keepsFor seconds that the worker keeps it, or -1 if it did not say
   */
  giveBack(connection: WorkerConnection, keepsFor: number): void {
    const { now } = this.turn
    connection.setFree(now)
    const { pool } = connection
    const lifetime = keepsFor === -1 ? pool.idleMs : Math.min(pool.idleMs, (keepsFor - 1) * 1_000)
    if (pool.isRetired || lifetime <= 0 || pool.idle.length >= idleLimit) connection.destroy()
    else {
      connection.expiresAt = now + lifetime
      pool.idle.push(connection)
    }
  }

  /** Closes the idle connections to a target; those in use are closed when they become free. */
  closeIdle(target: Target): void {
    const pool = this.#pools.get(target.id)
    if (pool === undefined) return
    this.#pools.set(target.id, { idle: [], isRetired: false, idleMs: pool.idleMs })
    retire(pool)
  }

  /** The same, for a target that is no more. */
  forget(target: Target): void {
    this.closeIdle(target)
    this.#pools.delete(target.id)
  }

  close(): void {
    for (const pool of this.#pools.values()) retire(pool)
    this.#pools.clear()
  }

  /**
   * Closes what has been idle for its time, and gives up on what takes too long to connect.
   * @param connectTimeout milliseconds; a worker that is stuck is left for another, since nothing was sent
   */
  sweep(now: number, connectTimeout: number): void {
    for (const { idle } of this.#pools.values()) {
      // The oldest are in front.
      while (idle[0] !== undefined && idle[0].expiresAt <= now) idle.shift()?.destroy()
    }
    for (const connection of this.#connecting) {
      if (!connection.socket.connecting) this.#connecting.delete(connection)
      else if (now - connection.openedAt >= connectTimeout)
        connection.destroy(new Error(`no connection within ${connectTimeout} ms`))
    }
  }
}

function retire(pool: Pool): void {
  pool.isRetired = true
  for (const connection of pool.idle.splice(0)) connection.destroy()
}
