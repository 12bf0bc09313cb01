import type { Socket } from 'node:net'

/**
 * Tells when a client has taken nothing, for too long, of what is to be sent to it. Looked at by a clock: a timer for each write costs
 * more than it is worth.
 */
export class SendLimit {
  readonly #socket: Socket
  /** Bytes that the system had taken when it was last seen to take some, and when that was, in milliseconds since the epoch. */
  #taken = 0
  #since = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** @param limit milliseconds; 0: none */
  isExceeded(now: number, limit: number): boolean {
    const { writableLength } = this.#socket
    if (writableLength === 0) {
      this.#since = 0
      return false
    }
    const taken = this.#socket.bytesWritten - writableLength
    if (this.#since === 0 || taken !== this.#taken) {
      this.#taken = taken
      this.#since = now
    }
    return limit > 0 && now - this.#since >= limit
  }
}
