import { createServer, type Server, type Socket } from 'node:net'
import type { DataplaneSettings, TlsSettings } from '../messages.ts'
import { ProxyHeaderReceiver, type ReceiverOptions } from './proxy-protocol/receiver.ts'
import { TlsServer } from './tls-server.ts'

/** A server that accepts the connections of a binding. */
export interface Listener {
  readonly server: Server
  /** New certificates or session-ticket keys, for new handshakes. @throws OpenSSL's error; then all is as before */
  replaceCertificates(tls: TlsSettings): void
}

/**
 * A server that accepts the connections of a binding and hands each one over: behind its PROXY protocol header, and
 * decrypted, where the binding has these. It does not listen yet.
 * @throws OpenSSL's error if the certificates make no sense
 */
export function createListener(
  settings: DataplaneSettings,
  proxyHeaders: ReceiverOptions,
  onConnection: (socket: Socket) => void,
): Listener {
  const { tls, proxyProtocol } = settings.binding
  const receiver = proxyProtocol ? new ProxyHeaderReceiver(proxyHeaders) : null
  const decrypter = tls === null ? null : createDecrypter(tls, settings, receiver, onConnection)
  return {
    server: createServer({ allowHalfOpen: decrypter === null, noDelay: true }, (socket) => {
      if (receiver === null) next(socket)
      else receiver.receive(socket, () => next(socket))
    }),
    replaceCertificates: (replaced) => decrypter?.replace(replaced),
  }

  function next(socket: Socket): void {
    if (decrypter === null) {
      onConnection(socket)
      if (receiver !== null) socket.resume() // TLS reads for itself
    } else decrypter.accept(socket)
  }
}

function createDecrypter(
  tls: TlsSettings,
  { headTimeout }: DataplaneSettings,
  receiver: ProxyHeaderReceiver | null,
  onConnection: (socket: Socket) => void,
): TlsServer {
  const options = { ALPNProtocols: ['http/1.1'], handshakeTimeout: headTimeout }
  return new TlsServer(tls, options, (socket) => {
    receiver?.recognise(socket)
    onConnection(socket)
  })
}
