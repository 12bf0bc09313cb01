import { createServer, type Server, type Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { DataplaneSettings, TlsSettings } from '../messages.ts'
import { Admission } from './admission.ts'
import type { TrustedPeers } from './forwarding.ts'
import { plainAddress } from './peer.ts'
import { ProxyHeaderReceiver } from './proxy-protocol/receiver.ts'
import type { Refusals } from './refusals.ts'
import { TlsServer } from './tls-server.ts'

export interface EntranceOptions {
  settings(): DataplaneSettings
  trustedPeers(): TrustedPeers
  /** How many connections there are. */
  connectionCount(): number
  readonly refusals: Refusals
  /** Takes over a connection that has come in, decrypted where the binding has TLS. */
  onConnection(socket: Socket): void
}

/**
 * What a connection of a binding passes on its way to a lane: the limit of connections, its PROXY protocol header, and the
 * TLS handshake.
 */
export class Entrance {
  /** Accepts the connections. It does not listen yet. */
  readonly server: Server
  readonly #options: EntranceOptions
  readonly #admission: Admission
  readonly #receiver: ProxyHeaderReceiver | null
  readonly #decrypter: TlsServer | null
  #tls: TlsSettings | null

  /** @throws OpenSSL's error if the certificates make no sense */
  constructor(options: EntranceOptions) {
    const { settings, trustedPeers, connectionCount, refusals } = options
    const { binding, headTimeout } = settings()
    this.#options = options
    this.#tls = binding.tls
    this.#admission = new Admission({ limit: () => settings().maxConnections, count: connectionCount, refusals })
    this.#receiver = binding.proxyProtocol
      ? new ProxyHeaderReceiver({
          isTrusted: (address) => trustedPeers().has(address),
          isEncrypted: binding.tls !== null,
          headTimeout: () => settings().headTimeout,
          refusals,
        })
      : null
    const tlsOptions = {
      ALPNProtocols: binding.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
      handshakeTimeout: headTimeout,
      onFailure: (socket: Socket) => refusals.count('TLS_HANDSHAKE_FAILED', plainAddress(socket.remoteAddress)),
    }
    this.#decrypter = binding.tls && new TlsServer(binding.tls, tlsOptions, (socket) => this.#enterDecrypted(socket))
    this.server = createServer({ allowHalfOpen: binding.tls === null, noDelay: true }, (socket) => this.#accept(socket))
    this.#limitHandshakes()
  }

  /** Settings have changed. @throws OpenSSL's error if new certificates make no sense: then the former ones stay */
  configure({ binding: { tls } }: DataplaneSettings): void {
    this.#limitHandshakes()
    if (tls === null || isDeepStrictEqual(this.#tls, tls)) return
    this.#decrypter?.replace(tls)
    this.#tls = tls
  }

  #limitHandshakes(): void {
    if (this.#decrypter !== null) this.#admission.limitHandshakes(this.server)
  }

  #accept(socket: Socket): void {
    if (this.#receiver === null) this.#proceed(socket)
    else this.#receiver.receive(socket, (received) => this.#proceed(received))
  }

  #proceed(socket: Socket): void {
    if (this.#decrypter !== null) this.#decrypter.accept(socket)
    else if (this.#admission.admits(socket)) this.#options.onConnection(socket)
  }

  #enterDecrypted(socket: Socket): void {
    this.#receiver?.adopt(socket)
    this.#options.onConnection(socket)
  }
}
