import { type EarlierForwarding, forwardingHeaders, nothingEarlier } from './forwarding.ts'
import type { Peer } from './peer.ts'

/** The forwarding headers of a connection's requests, which say the same for as long as `Host` does. */
export class ForwardingFields {
  readonly #peer: Peer
  #host: string | null = null
  #fields: readonly string[] | null = null

  constructor(peer: Peer) {
    this.#peer = peer
  }

  /**
   * @param host which was sane; null: there is none
   * @param earlier what the request says itself, if its peer is trusted
   * @returns names and values in turn
   */
  of(host: string | null, earlier: EarlierForwarding): readonly string[] {
    if (earlier.size > 0) return forwardingHeaders(this.#peer, host, earlier).flat()
    if (host !== this.#host || this.#fields === null) {
      this.#host = host
      this.#fields = forwardingHeaders(this.#peer, host, nothingEarlier).flat()
    }
    return this.#fields
  }
}
