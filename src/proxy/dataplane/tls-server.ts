import { constants, createHash } from 'node:crypto'
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TlsOptions,
} from 'node:tls'
import type { TlsIdentity, TlsSettings } from '../messages.ts'
import { chooseIdentity } from './choose-identity.ts'

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

/** A TLS server whose certificates can be replaced while it runs. */
export interface TlsServer {
  readonly server: Server
  /** New handshakes get these; connections that are open stay as they are. @throws OpenSSL's error; then all is as before */
  replace(tls: TlsSettings): void
}

/**
 * A TLS server that chooses its certificate by the name that the client asks for. It does not listen yet.
 * @param options of `tls.createServer`, which come before those of the binding
 * @throws OpenSSL's error if certificates or options make no sense
 */
export function createTlsServer(tls: TlsSettings, options: TlsOptions): TlsServer {
  let current = new Certificates(tls)
  const server = createServer({
    ...tls.options,
    ...current.serverOptions,
    ...options,
    SNICallback: (servername, callback) => callback(null, current.contextFor(servername)),
  })
  return {
    server,
    replace(next) {
      const replacement = new Certificates(next)
      server.setSecureContext(replacement.serverOptions)
      current = replacement
    },
  }
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

/** The contexts of one set of certificates. */
class Certificates {
  readonly serverOptions: SecureContextOptions
  readonly #contexts: ReadonlyArray<{ readonly names: readonly string[]; readonly context: SecureContext | undefined }>

  constructor(tls: TlsSettings) {
    const [first, ...others] = tls.identities
    this.serverOptions = secureContextOptions(tls, first)
    this.#contexts = [
      { names: first?.names ?? [], context: undefined }, // the server's own
      ...others.map((identity) => ({
        names: identity.names,
        context: createSecureContext(secureContextOptions(tls, identity)),
      })),
    ]
  }

  contextFor(servername: string): SecureContext | undefined {
    return chooseIdentity(this.#contexts, servername)?.context
  }
}

function clientRules({ ca, options: { requestCert, rejectUnauthorized, crl } }: TlsSettings): string {
  const rules = JSON.stringify([ca, requestCert ?? false, rejectUnauthorized ?? true, crl ?? null])
  return createHash('sha256').update(rules).digest('hex').slice(0, 32)
}
