import { createServer, type Server, type Socket } from 'node:net'
import { plainAddress, tellAddress } from '../peer.ts'
import type { Refusals } from '../refusals.ts'
import { type ProxyHeader, parseProxyHeader } from './parse-header.ts'

export interface ReceiverOptions {
  /** Whether `inner` does a TLS handshake with what it accepts, and emits `secureConnection` when that is done. */
  readonly isTls: boolean
  /** Whether a peer may say where its connections come from. @param address as `plainAddress` gives it */
  isTrusted(address: string): boolean
  /** How long a header may take, in milliseconds. */
  headTimeout(): number
  readonly refusals: Refusals
}

/**
 * A server that reads a PROXY protocol header from each connection, and then hands the connection to `inner`, which never
 * listens itself, as if that had accepted it. Whoever is not trusted, or sends anything else, is closed without a word: no
 * word of ours would mean anything to it (proxy-protocol.txt, 2).
 * @param inner accepts what comes behind the header: plain, or TLS
 */
export function receiveProxyHeaders(inner: Server, options: ReceiverOptions): Server {
  const { isTls } = options
  /** Addresses told for connections that are still in their TLS handshake. */
  const shaking = new Map<string, string>()
  if (isTls) {
    // The decrypted socket is another object, and nothing public leads from it to the one below, but the ends of the connection.
    inner.prependListener('secureConnection', (socket: Socket) => {
      const ends = endsOf(socket)
      const address = shaking.get(ends)
      if (address !== undefined) tellAddress(socket, address)
    })
  }
  return createServer({ allowHalfOpen: !isTls, noDelay: true }, (socket) => {
    socket.on('error', () => {}) // 'close' follows
    const peer = plainAddress(socket.remoteAddress)
    if (!options.isTrusted(peer)) {
      options.refusals.count('UNTRUSTED_PEER', peer)
      socket.destroy()
      return
    }
    readHeader(socket, options, ({ source }) => {
      const address = source.kind === 'told' ? plainAddress(source.address) : 'unknown'
      if (source.kind !== 'own') {
        tellAddress(socket, address)
        if (isTls) {
          const ends = endsOf(socket)
          shaking.set(ends, address)
          socket.once('close', () => shaking.delete(ends))
        }
      }
      inner.emit('connection', socket)
      if (!isTls) socket.resume() // TLS reads for itself
    })
  })
}

/** Calls back with the header once it is there; what came behind it is in the socket again. */
function readHeader(socket: Socket, options: ReceiverOptions, onHeader: (header: ProxyHeader) => void): void {
  let read: Buffer = Buffer.alloc(0)
  const refuse = (): void => {
    // A connection that nobody used is none that anybody has to look at.
    if (read.length > 0) options.refusals.count('BAD_PROXY_HEADER', plainAddress(socket.remoteAddress))
    socket.destroy()
  }
  const onData = (chunk: Buffer): void => {
    read = read.length === 0 ? chunk : Buffer.concat([read, chunk])
    const header = parseProxyHeader(read)
    if (header === 'more') return
    stop()
    if (header === 'bad') refuse()
    else {
      socket.pause() // until somebody else listens
      if (read.length > header.size) socket.unshift(read.subarray(header.size))
      onHeader(header)
    }
  }
  const timer = setTimeout(refuse, options.headTimeout()).unref()
  const stop = (): void => {
    clearTimeout(timer)
    socket.off('data', onData).off('end', refuse).off('close', stop)
  }
  socket.on('data', onData).on('end', refuse).on('close', stop)
}

/** Both ends of a connection: no two have the same at one time. */
function endsOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
}
