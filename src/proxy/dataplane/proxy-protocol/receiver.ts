import type { Socket } from 'node:net'
import { plainAddress, tellAddress } from '../peer.ts'
import type { Refusals } from '../refusals.ts'
import { type ProxyHeader, parseProxyHeader } from './parse-header.ts'

export interface ReceiverOptions {
  /** Whether a peer may say where its connections come from. @param address as `plainAddress` gives it */
  isTrusted(address: string): boolean
  /** How long a header may take, in milliseconds. */
  headTimeout(): number
  readonly refusals: Refusals
}

/**
 * Reads a PROXY protocol header from each connection of a binding before anything else looks at it. Whoever is not trusted, or
 * sends anything else, is closed without a word: no word of ours would mean anything to it (proxy-protocol.txt, 2).
 */
export class ProxyHeaderReceiver {
  readonly #options: ReceiverOptions
  /** Addresses told for connections that are still in their TLS handshake. */
  readonly #shaking = new Map<string, string>()

  constructor(options: ReceiverOptions) {
    this.#options = options
  }

  /** @param onReceived called when the header is there; what came behind it is in the socket again, which is paused */
  receive(socket: Socket, onReceived: () => void): void {
    socket.on('error', () => {}) // 'close' follows
    const peer = plainAddress(socket.remoteAddress)
    if (!this.#options.isTrusted(peer)) {
      this.#options.refusals.count('UNTRUSTED_PEER', peer)
      socket.destroy()
      return
    }
    readHeader(socket, this.#options, ({ source }) => {
      if (source.kind !== 'own') this.#tell(socket, source.kind === 'told' ? plainAddress(source.address) : 'unknown')
      onReceived()
    })
  }

  /**
   * A connection has been decrypted. That is another object, and nothing public leads from it to the one below, but the ends of
   * the connection.
   */
  recognise(decrypted: Socket): void {
    const address = this.#shaking.get(endsOf(decrypted))
    if (address !== undefined) tellAddress(decrypted, address)
  }

  #tell(socket: Socket, address: string): void {
    tellAddress(socket, address)
    const ends = endsOf(socket)
    this.#shaking.set(ends, address)
    socket.once('close', () => this.#shaking.delete(ends))
  }
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
