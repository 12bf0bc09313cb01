import { constants, createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type SecureContextOptions, type Server, type TLSSocket, type TlsOptions } from 'node:tls'
import type { TlsIdentity, TlsSettings } from '../messages.ts'
import { chooseIdentity } from './choose-identity.ts'
import { peekServerName } from './peek-server-name.ts'

/**
 * Forward secrecy and authenticated encryption only: Mozilla's "intermediate" list without finite-field Diffie-Hellman. All of
 * them may carry HTTP/2 (RFC 9113 9.2.2).
 */
const modernCiphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

export interface TlsServerOptions extends TlsOptions {
  /** Milliseconds for a handshake. */
  readonly handshakeTimeout: number
  /** A client was sent away: what it said is no handshake that we can do, or it took too long. Not called for those that left. */
  readonly onFailure: (socket: Socket) => void
}

/**
 * Does the TLS handshakes of a binding, each with the certificate for the name that the client asks for. It listens nowhere:
 * it is given connections. Owns one `tls.Server` for each identity, because `SNICallback` of Node would mix the certificates of
 * several: of the one that it names it takes a single kind (RSA or ECDSA), and (before Node 24) leaves the default's other kind in place.
 */
export class TlsServer {
  readonly #options: TlsServerOptions
  readonly #onConnection: (socket: TLSSocket) => void
  #servers: readonly NamedServer[]

  /**
   * @param options of `tls.createServer`, which come before those of proxy.json
   * @throws OpenSSL's error if certificates or options make no sense
   */
  constructor(tls: TlsSettings, options: TlsServerOptions, onConnection: (socket: TLSSocket) => void) {
    this.#options = options
    this.#onConnection = onConnection
    this.#servers = this.#serversFor(tls)
  }

  /** New certificates or ticket keys, for new handshakes. @throws OpenSSL's error; then all is as before */
  replace(tls: TlsSettings): void {
    this.#servers = this.#serversFor(tls)
  }

  /** Takes over a connection from which nothing has been read, or what was read has been put back. */
  accept(socket: Socket): void {
    const [first, ...others] = this.#servers
    if (first === undefined) socket.destroy()
    else if (others.length === 0) first.server.emit('connection', socket)
    else {
      const { handshakeTimeout, onFailure } = this.#options
      peekServerName(socket, { deadline: handshakeTimeout, onTimeout: () => onFailure(socket) }, (servername) => {
        const { server } = chooseIdentity(this.#servers, servername ?? '') ?? this.#servers[0] ?? first
        server.emit('connection', socket)
      })
    }
  }

  #serversFor(tls: TlsSettings): NamedServer[] {
    return tls.identities.map((identity) => {
      const server = createServer({ ...tls.options, ...secureContextOptions(tls, identity), ...this.#options })
      server.on('secureConnection', this.#onConnection)
      server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
        if (error.code !== 'ECONNRESET') this.#options.onFailure(socket)
        socket.destroy()
      })
      return { names: identity.names, server }
    })
  }
}

interface NamedServer {
  readonly names: readonly string[]
  readonly server: Server
}

/** What `tls.createSecureContext` needs for one of the certificates of a binding; without one, for the other options alone. */
export function secureContextOptions(tls: TlsSettings, identity?: TlsIdentity): SecureContextOptions {
  const { options, ca, passphrase } = tls
  const { key = [], cert = [], pfx = [] } = identity ?? {}
  const secureOptions = typeof options.secureOptions === 'number' ? options.secureOptions : 0
  return {
    minVersion: 'TLSv1.2',
    ciphers: modernCiphers,
    // All of these ciphers are good, and the client knows which one its processor is made for.
    honorCipherOrder: options.ciphers !== undefined,
    ...options,
    // Nothing of HTTP needs it, and it costs the server far more than the client.
    secureOptions: secureOptions | constants.SSL_OP_NO_RENEGOTIATION,
    // A session that was opened under other rules for client certificates must not be resumed (RFC 8446 4.6.1).
    sessionIdContext: clientRules(tls),
    ...(key.length > 0 ? { key: [...key], cert: [...cert] } : {}),
    ...(pfx.length > 0 ? { pfx: pfx.map((content) => Buffer.from(content, 'base64')) } : {}),
    ...(passphrase === null ? {} : { passphrase }),
    ...(ca.length > 0 ? { ca: [...ca] } : {}),
    ticketKeys: Buffer.from(tls.ticketKeys, 'base64'),
  }
}

function clientRules({ ca, options: { requestCert, rejectUnauthorized, crl } }: TlsSettings): string {
  const rules = JSON.stringify([ca, requestCert ?? false, rejectUnauthorized ?? true, crl ?? null])
  return createHash('sha256').update(rules).digest('hex').slice(0, 32)
}
