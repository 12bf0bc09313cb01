import type { Socket } from 'node:net'
import type { Log } from '../../common/log.ts'
import type { DataplaneSettings } from '../messages.ts'
import type { AccessLog } from './access-log.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { TrustedPeers } from './forwarding.ts'
import type { Mirror } from './mirror.ts'
import type { Refusals } from './refusals.ts'

/**
 * A way to carry requests (docs/adr/0001). A lane that declines a connection puts the bytes that it has read back
 * (`socket.unshift`) and gives the socket to another lane's `accept`.
 */
export interface Lane {
  /**
   * Takes over a client's connection, with all that comes on it.
   * @param since when the first request began to come, in milliseconds since the epoch, if it has begun already
   */
  accept(socket: Socket, since?: number): void
  /** Settings have changed; they hold for new requests. */
  configure(settings: DataplaneSettings): void
  readonly connectionCount: number
  /**
   * Finishes what is under way and closes every connection; answers say `Connection: close` from now on.
   * @param deadline milliseconds after which what is left is cut off
   */
  drain(deadline: number): Promise<void>
}

/** What the process gives to its lanes. */
export interface LaneContext {
  readonly dispatcher: Dispatcher
  readonly log: Log
  settings(): DataplaneSettings
  trustedPeers(): TrustedPeers
  /** Whether the gateway can serve requests, as far as this process knows. */
  isReady(): boolean
  /** Whoever refuses a request counts it here. */
  readonly refusals: Refusals
  /** null: nobody gets copies of requests. */
  mirror(): Mirror | null
  /** null: there is none, so no line need be made. */
  accessLog(): AccessLog | null
}
