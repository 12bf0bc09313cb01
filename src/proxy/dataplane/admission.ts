import type { Server, Socket } from 'node:net'
import { composeAnswer, toMessage } from './answer.ts'
import { Refusal } from './refusal.ts'
import type { Refusals } from './refusals.ts'
import { newRequestId } from './request-id.ts'

/** How long a client whose connection is refused may take to read why. */
const lingerMs = 500
/** How many of them may do so at once; the others are closed without a word. */
const lingerLimit = 100

export interface AdmissionOptions {
  /** How many connections there may be; 0: any number. */
  limit(): number
  /** How many there are. */
  count(): number
  readonly refusals: Refusals
}

/**
 * Refuses connections beyond the limit. Node cannot leave them in the system's queue, from which another proxy process would
 * take them: so they are answered 503 at once, which tells a load balancer to go elsewhere.
 */
export class Admission {
  readonly #options: AdmissionOptions
  #lingering = 0

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** @returns false if the connection has been refused, and is nobody's any more */
  admits(socket: Socket): boolean {
    const { limit, count } = this.#options
    if (limit() === 0 || count() < limit()) return true
    this.#refuse(socket)
    return false
  }

  /** Lets a TLS server close what is beyond the limit before the handshake, which would cost more than any request. */
  limitHandshakes(server: Server): void {
    const limit = this.#options.limit()
    server.maxConnections = limit === 0 ? Number.MAX_SAFE_INTEGER : limit
    if (server.listenerCount('drop') === 0) {
      server.on('drop', (from) => this.#options.refusals.count('TOO_MANY_CONNECTIONS', from?.remoteAddress))
    }
  }

  #refuse(socket: Socket): void {
    const refusal = new Refusal('TOO_MANY_CONNECTIONS', { retryAfter: 1 })
    this.#options.refusals.count(refusal.code, socket.remoteAddress)
    socket.on('error', () => {}) // it is closed anyway
    if (this.#lingering >= lingerLimit) {
      socket.destroy()
      return
    }
    this.#lingering++
    const timer = setTimeout(() => socket.destroy(), lingerMs).unref()
    socket.once('close', () => {
      clearTimeout(timer)
      this.#lingering--
    })
    socket.end(toMessage(composeAnswer(refusal, { requestId: newRequestId(), prefersHtml: false })))
    socket.resume() // what is left unread would turn the end into a reset
  }
}
