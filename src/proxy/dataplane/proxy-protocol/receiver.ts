import type { Socket } from 'node:net'
import { plainAddress, tellAddress } from '../peer.ts'
import type { Refusals } from '../refusals.ts'
import { type ProxyHeader, parseProxyHeader } from './parse-header.ts'

export interface ReceiverOptions {
  /** Whether a peer may say where its connections come from. @param address as `plainAddress` gives it */
  isTrusted(address: string): boolean
  /** Whether what follows the header is decrypted by somebody: see `adopt`. */
  readonly isEncrypted: boolean
  /** How long a header may take, in milliseconds. */
  headTimeout(): number
  readonly refusals: Refusals
}

/**
 * Reads a PROXY protocol header from the beginning of each connection of a binding. Whoever is not trusted, or sends anything
 * else, is closed without a word: no word of ours would mean anything to it (proxy-protocol.txt, 2).
 */
export class ProxyHeaderReceiver {
  readonly #options: ReceiverOptions
  /** By the ends of a connection, the address that was told for it: for whoever decrypts it. */
  readonly #told = new Map<string, string>()

  constructor(options: ReceiverOptions) {
    this.#options = options
  }

  /** Calls back once the header has been read; what came behind it is in the socket again. */
  receive(socket: Socket, onReceived: (socket: Socket) => void): void {
    const { isTrusted, refusals } = this.#options
    socket.on('error', () => {}) // 'close' follows
    const peer = plainAddress(socket.remoteAddress)
    if (!isTrusted(peer)) {
      refusals.count('UNTRUSTED_PEER', peer)
      socket.destroy()
      return
    }
    readHeader(socket, this.#options, ({ source }) => {
      if (source.kind !== 'own') this.#tell(socket, source.kind === 'told' ? source.address : 'unknown')
      onReceived(socket)
    })
  }

  /**
   * A connection has been decrypted. That is another object, and nothing public leads from it to the one below, but the ends
   * of the connection.
   */
  adopt(decrypted: Socket): void {
    const address = this.#told.get(endsOf(decrypted))
    if (address !== undefined) tellAddress(decrypted, address)
  }

  #tell(socket: Socket, address: string): void {
    tellAddress(socket, address)
    if (!this.#options.isEncrypted) return
    const ends = endsOf(socket)
    this.#told.set(ends, address)
    socket.once('close', () => this.#told.delete(ends))
  }
}

function readHeader(socket: Socket, options: ReceiverOptions, onHeader: (header: ProxyHeader) => void): void {
  let read: Buffer = Buffer.alloc(0)
  const refuse = (): void => {
    // A connection that nobody used is none that anybody has to look at.
    if (read.length > 0) options.refusals.count('BAD_PROXY_HEADER', plainAddress(socket.remoteAddress))
    socket.destroy()
  }
  // Not by 'data': what had flowed once could not be given to TLS any more, nor what was paused to whoever waits for 'data'.
  const onReadable = (): void => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      read = read.length === 0 ? chunk : Buffer.concat([read, chunk])
      const header = parseProxyHeader(read)
      if (header === 'more') continue
      stop()
      if (header === 'bad') refuse()
      else {
        if (read.length > header.size) socket.unshift(read.subarray(header.size))
        onHeader(header)
      }
      return
    }
  }
  const timer = setTimeout(refuse, options.headTimeout()).unref()
  const stop = (): void => {
    clearTimeout(timer)
    socket.off('readable', onReadable).off('end', refuse).off('close', stop)
  }
  socket.on('readable', onReadable).on('end', refuse).on('close', stop)
}

/** Both ends of a connection: no two have the same at one time. */
function endsOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
}
