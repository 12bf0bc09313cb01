import { isAuthority } from '../check-request.ts'
import { type EarlierForwarding, forwardingLines, nothingEarlier } from '../forwarding.ts'
import type { Peer } from '../peer.ts'

/** The forwarding header lines of a connection's requests, which say the same for as long as `Host` does. */
export class ForwardingLines {
  readonly #peer: Peer
  /** The last `Host`, which was sane, and its lines. */
  #host: string | null = null
  #lines = ''

  constructor(peer: Peer) {
    this.#peer = peer
  }

  /**
   * @param earlier what the request says itself, if its peer is trusted
   * @returns lines, each with its CRLF; null if `Host` is no authority
   */
  of(host: string, earlier: EarlierForwarding): string | null {
    if (host !== this.#host) {
      if (!isAuthority(host)) return null
      this.#host = host
      this.#lines = forwardingLines(this.#peer, host, nothingEarlier)
    }
    return earlier.size === 0 ? this.#lines : forwardingLines(this.#peer, host, earlier)
  }
}
