import { connect, type Socket } from 'node:net'
import type { Target } from '../../routing/route-table.ts'
import { Outlet } from './outlet.ts'
import { Reader, type ReadMemory } from './read-memory.ts'
import type { Turn } from './turn.ts'

/** Who uses a connection to a worker at the moment. */
export interface WorkerUser {
  /** It is connected; called for a new one only. */
  onOpen(): void
  /** @param memory what was read into: it holds other bytes once this returns, unless it is kept */
  onBytes(memory: ReadMemory, length: number): void
  /** The worker takes more again. */
  onDrain(): void
  /** It has ended; or it broke, with an error. The last thing called. */
  onGone(error: Error | null): void
}

/** The unused connections of one target. */
export interface Pool {
  /** The one that was used last is at the end, and is used first. */
  readonly idle: WorkerConnection[]
  isRetired: boolean
  /** For how long one is kept unused, in milliseconds: shorter for a worker that was seen to close one earlier. */
  idleMs: number
}

/** A worker that closes them sooner than twice this closes single ones: no reason to connect anew for every request. */
const shortestIdleMs = 250

/** One connection to a worker, used by one exchange after another. */
export class WorkerConnection {
  readonly socket: Socket
  readonly outlet: Outlet
  /** Where it belongs when it is not in use. */
  readonly pool: Pool
  readonly openedAt = Date.now()
  /** Whether it has served a request before: then the worker may just be closing it. */
  hasServed = false
  /** Since when nobody has used it, in milliseconds since the epoch. */
  #freeSince = 0
  /** When it is to be closed if it is not used, in milliseconds since the epoch. */
  expiresAt = 0
  readonly #reader = new Reader()
  #isOpen = false
  #user: WorkerUser | null
  #error: Error | null = null

  constructor(target: Target, pool: Pool, user: WorkerUser, turn: Turn) {
    this.pool = pool
    this.#user = user
    this.socket = connect({
      host: target.host,
      port: target.port,
      noDelay: true,
      // It spares a buffer, an event and an entry in the queue for each read.
      onread: { buffer: this.#reader.buffer, callback: (length) => this.#onRead(length) },
    })
    this.outlet = new Outlet(this.socket, turn, () => this.#user?.onDrain())
    this.socket.on('connect', () => {
      this.#isOpen = true
      this.#user?.onOpen()
    })
    this.socket.on('end', () => {
      this.#noticeEnd()
      this.#leave()
    })
    this.socket.on('error', (error) => {
      this.#noticeEnd()
      this.#error = error
    })
    this.socket.on('close', () => {
      this.#reader.end()
      this.#leave()
    })
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get isUsable(): boolean {
    return this.#isOpen && this.socket.writable && !this.socket.destroyed
  }

  use(user: WorkerUser): void {
    this.#user = user
  }

  /** Nobody uses it any more; what comes on it now makes it worthless. @param now milliseconds since the epoch */
  setFree(now: number): void {
    this.#user = null
    this.hasServed = true
    this.#freeSince = now
  }

  /** Closes it at once; its user is not told. */
  destroy(error?: Error): void {
    if (error === undefined) this.#user = null
    this.socket.destroy(error)
  }

  #onRead(length: number): boolean {
    if (this.#user === null) this.socket.destroy()
    else this.#user.onBytes(this.#reader.memory, length)
    this.#reader.advance(length, !this.socket.isPaused())
    return true
  }

  /**
   * The worker has closed it. Where that was earlier than we would have, without a word in its answers, the next ones are closed
   * in half that time: a request that may not be sent twice must not meet one.
   */
  #noticeEnd(): void {
    if (this.#user !== null) return
    const idleMs = Math.max(shortestIdleMs, (Date.now() - this.#freeSince) / 2)
    if (idleMs < this.pool.idleMs) this.pool.idleMs = idleMs
  }

  #leave(): void {
    const user = this.#user
    this.#user = null
    this.socket.destroy()
    user?.onGone(this.#error)
  }
}
