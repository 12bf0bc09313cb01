import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { readTlsOptions } from '../../common/tls-options.ts'
import type { DataplaneSettings } from '../messages.ts'

/**
 * A server that accepts the connections of a binding and hands each one over, decrypted where the binding has TLS. It does
 * not listen yet.
 * @throws the system's error if a certificate cannot be read, or OpenSSL's if it makes no sense
 */
export function createListener(settings: DataplaneSettings, onConnection: (socket: Socket) => void): Server {
  const { tlsOptions } = settings.binding
  if (tlsOptions === null) return createServer({ allowHalfOpen: true, noDelay: true }, onConnection)
  const server = createTlsServer({
    ...readTlsOptions(tlsOptions),
    ALPNProtocols: settings.binding.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    handshakeTimeout: settings.headTimeout,
    noDelay: true,
  })
  server.on('secureConnection', onConnection)
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}
