import type { Socket } from 'node:net'
import type { DrainedConnection } from './drain-connections.ts'
import { ForwardingFields } from './forwarding-fields.ts'
import { type Peer, peerOf } from './peer.ts'
import { resetSocket } from './relay-answer.ts'
import { SendLimit } from './send-limit.ts'

/** Requests that may wait behind the one being answered before we stop reading. */
const pipelineLimit = 16

/** What runs on a connection: one at a time, in the order in which the requests came (RFC 9112 9.3.2). */
export interface Run {
  start(): void
  /** Whether the request has been received whole. */
  readonly isReceived: boolean
  /** The client's bytes make no sense any more in the middle of this request. */
  abandon(): void
}

/** One client's connection in the general lane: what is under way on it, and when it was last used. */
export class ClientConnection implements DrainedConnection {
  readonly socket: Socket
  /** Asked for at once: of a connection that is gone nobody can tell where it came from. */
  readonly peer: Peer
  readonly forwarding: ForwardingFields
  readonly #sendLimit: SendLimit
  #current: Run | null = null
  readonly #waiting: Run[] = []
  #afterLast: (() => void) | null = null
  #isBroken = false
  #usedAt = Date.now()
  #hasBegun = false
  #bytesSeen = 0

  constructor(socket: Socket) {
    this.socket = socket
    this.peer = peerOf(socket)
    this.forwarding = new ForwardingFields(this.peer)
    this.#sendLimit = new SendLimit(socket)
    socket.on('close', () => this.#waiting.splice(0))
  }

  /** Whether a request has come. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  get isIdle(): boolean {
    return this.#current === null
  }

  destroy(): void {
    this.socket.destroy()
  }

  /** The last time something came or was finished, in milliseconds since the epoch. */
  get usedAt(): number {
    if (this.socket.bytesRead !== this.#bytesSeen) {
      this.#bytesSeen = this.socket.bytesRead
      this.#usedAt = Date.now()
    }
    return this.#usedAt
  }

  /**
   * Looks at the time: to be called now and then.
   * @param sendTimeout milliseconds; 0: no limit
   * @param keepAliveTimeout milliseconds between two requests
   * @returns whether the client took nothing for too long, and has been cut off
   */
  check(now: number, sendTimeout: number, keepAliveTimeout: number): boolean {
    if (this.#sendLimit.isExceeded(now, sendTimeout)) {
      resetSocket(this.socket)
      return true
    }
    if (this.#hasBegun && this.isIdle && now - this.usedAt >= keepAliveTimeout) this.destroy()
    return false
  }

  /** Starts it when all earlier ones are done. */
  add(run: Run): void {
    this.#hasBegun = true
    // What comes behind a request whose answer said `Connection: close` is no request (RFC 9112 9.6).
    if (!this.socket.writable) return
    if (this.#current === null) {
      this.#current = run
      run.start()
      return
    }
    this.#waiting.push(run)
    if (this.#waiting.length >= pipelineLimit) this.socket.pause()
  }

  /** The current one is done. */
  next(): void {
    this.#usedAt = Date.now()
    this.#current = null
    if (!this.socket.writable) this.#waiting.splice(0)
    const run = this.#waiting.shift()
    if (run !== undefined) {
      if (this.#waiting.length < pipelineLimit && this.socket.isPaused()) this.socket.resume()
      this.#current = run
      run.start()
      if (this.#isBroken && !run.isReceived) run.abandon()
    } else {
      this.#afterLast?.()
      this.#afterLast = null
    }
  }

  /**
   * What comes on it makes no sense any more. The request that this is in the middle of is abandoned, be it under way or in
   * line; if there is none, `refuse` is called when those before are done.
   */
  break(refuse: () => void): void {
    this.#isBroken = true
    if (this.#current !== null && !this.#current.isReceived) this.#current.abandon()
    else this.whenIdle(refuse)
  }

  /** Calls back once nothing is under way any more; at once if that is so. */
  whenIdle(callback: () => void): void {
    if (this.#current === null) callback()
    else this.#afterLast = callback
  }
}
