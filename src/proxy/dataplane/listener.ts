import { createServer, type Server, type Socket } from 'node:net'
import type { DataplaneSettings, TlsSettings } from '../messages.ts'
import { TlsServer } from './tls-server.ts'

/** A server that accepts the connections of a binding. */
export interface Listener {
  /** Emits `secureConnection` where the binding has TLS. */
  readonly server: Server
  /** New certificates or session-ticket keys, for new handshakes. @throws OpenSSL's error; then all is as before */
  replaceCertificates(tls: TlsSettings): void
}

/**
 * A server that accepts the connections of a binding and hands each one over, decrypted where the binding has TLS. It does
 * not listen yet.
 * @throws OpenSSL's error if the certificates make no sense
 */
export function createListener(settings: DataplaneSettings, onConnection: (socket: Socket) => void): Listener {
  const { tls } = settings.binding
  if (tls === null) {
    return { server: createServer({ allowHalfOpen: true, noDelay: true }, onConnection), replaceCertificates() {} }
  }
  const options = { ALPNProtocols: ['http/1.1'], handshakeTimeout: settings.headTimeout }
  const tlsServer = new TlsServer(tls, options, (socket) => server.emit('secureConnection', socket))
  const server = createServer({ noDelay: true }, (socket) => tlsServer.accept(socket))
  server.on('secureConnection', onConnection)
  return { server, replaceCertificates: (next) => tlsServer.replace(next) }
}
