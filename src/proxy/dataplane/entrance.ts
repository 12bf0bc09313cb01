import { createServer, type Server, type Socket } from 'node:net'
import type { DataplaneSettings } from '../messages.ts'
import { Admission } from './admission.ts'
import type { TrustedPeers } from './forwarding.ts'
import { ProxyHeaderReceiver } from './proxy-protocol/receiver.ts'
import type { Refusals } from './refusals.ts'

export interface EntranceOptions {
  settings(): DataplaneSettings
  trustedPeers(): TrustedPeers
  /** How many connections there are. */
  connectionCount(): number
  readonly refusals: Refusals
  /** Takes over a connection that may come in, decrypted where the binding has TLS. */
  onConnection(socket: Socket): void
}

/** What a connection passes on its way to a lane: its PROXY protocol header, and the limit of connections. */
export class Entrance {
  readonly #options: EntranceOptions
  readonly #admission: Admission
  readonly #receiver: ProxyHeaderReceiver

  constructor(options: EntranceOptions) {
    const { settings, trustedPeers, connectionCount, refusals } = options
    this.#options = options
    this.#admission = new Admission({ limit: () => settings().maxConnections, count: connectionCount, refusals })
    this.#receiver = new ProxyHeaderReceiver({
      isTrusted: (address) => trustedPeers().has(address),
      isEncrypted: () => this.#isEncrypted,
      headTimeout: () => settings().headTimeout,
      refusals,
    })
  }

  /** The server that is to listen in place of `inner`, which is given the connections once their headers are read. */
  before(inner: Server): Server {
    const { proxyProtocol } = this.#options.settings().binding
    if (!proxyProtocol) return inner
    return createServer({ allowHalfOpen: !this.#isEncrypted, noDelay: true }, (socket) =>
      this.#receiver.receive(socket, (received) => inner.emit('connection', received)),
    )
  }

  /** Settings have changed, or the server is about to listen. */
  configure(listening: Server): void {
    if (this.#isEncrypted) this.#admission.limitHandshakes(listening)
  }

  /** A connection has come, and has been decrypted where that was to be done. */
  enter(socket: Socket): void {
    if (this.#isEncrypted) this.#receiver.adopt(socket)
    else if (!this.#admission.admits(socket)) return
    this.#options.onConnection(socket)
  }

  get #isEncrypted(): boolean {
    return this.#options.settings().binding.tlsOptions !== null
  }
}
