import { Socket, type SocketConstructorOpts } from 'node:net'
import { Duplex } from 'node:stream'

/** One read buffer for all connections: what has been read is passed on, or copied, before anything else is read. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024)

/** Takes what has been read. @param buffer lent: it holds other bytes once this returns */
export type OnRead = (buffer: Buffer, length: number) => void

/** What `net.Socket` has beyond its documentation, and may cease to have. */
interface Undocumented {
  _handle?: { useUserBuffer?: (buffer: Buffer) => void } | null
  [slot: symbol]: unknown
}

/** Takes the length of what has been read. @returns whether to read on */
type OnLength = (length: number) => boolean

/**
 * Reads an accepted connection without the price of a stream: a buffer, an event and a turn of the queue for each read, about
 * a tenth of the CPU time of a plain request. `onread` does that and is documented for sockets that connect. An accepted one has
 * to be made once more around its handle, and one with TLS, whose handle is not to be had, to be told as its constructor would
 * have done: neither is documented. Where that cannot be done (a Node that keeps those things elsewhere, a socket from which
 * something has been read already) it is read as a stream: dearer, and otherwise the same.
 */
export class LentReads {
  /** The connection: use this one, and not the accepted one, from now on. */
  readonly socket: Socket
  #onRead: OnRead | null

  constructor(accepted: Socket, onRead: OnRead) {
    this.#onRead = onRead
    const callback: OnLength = (length) => this.#take(length)
    const handle = takeHandle(accepted)
    if (handle !== null) {
      const options = { handle, allowHalfOpen: true, onread: { buffer: readBuffer, callback } }
      this.socket = new Socket(options as SocketConstructorOpts)
      return
    }
    this.socket = accepted
    if (!lend(accepted, callback)) accepted.on('data', this.#onData)
  }

  /** From now on the socket is a stream like any other, for whoever gets it. */
  release(): void {
    this.#onRead = null
    this.socket.off('data', this.#onData)
    // A socket with `onread` stops reading as soon as it is paused, and a stream that is piped never tells it to start again.
    // What is pushed stops it when it is too much.
    const { pause, resume } = Duplex.prototype
    Object.assign(this.socket, { pause, resume })
  }

  /** @returns whether to read on */
  #take(length: number): boolean {
    if (this.#onRead === null) return this.socket.push(Buffer.from(readBuffer.subarray(0, length)))
    this.#onRead(readBuffer, length)
    return true
  }

  readonly #onData = (chunk: Buffer): void => this.#onRead?.(chunk, chunk.length)
}

/** The handle of a plain socket, which then has none any more, and is closed; null if it cannot be had. */
function takeHandle(accepted: Socket): object | null {
  const socket = accepted as Undocumented
  const handle = socket._handle
  if (typeof handle !== 'object' || handle === null || 'encrypted' in accepted) return null
  if (accepted.bytesRead > 0 || accepted.readableLength > 0 || accepted.destroyed) return null
  socket._handle = null
  accepted.destroy() // its server counts it no longer
  return handle
}

/** Where `net.Socket` keeps what `onread` says; null: it was looked for in vain. */
let slots: { readonly buffer: symbol; readonly callback: symbol } | null | undefined

/** Has a socket with TLS read into our buffer from now on. @returns false if that cannot be done */
function lend(accepted: Socket, callback: OnLength): boolean {
  if (!('encrypted' in accepted) || accepted.destroyed) return false
  // Somebody reads it already, or has.
  if (accepted.readableLength > 0 || accepted.readableFlowing !== null) return false
  if (slots === undefined) slots = findSlots(accepted)
  const socket = accepted as unknown as Undocumented
  const handle = socket._handle
  if (slots === null || typeof handle?.useUserBuffer !== 'function') return false
  if (socket[slots.buffer] !== null || socket[slots.callback] !== null) return false
  socket[slots.buffer] = readBuffer
  socket[slots.callback] = callback
  handle.useUserBuffer(readBuffer)
  accepted.read(0)
  return true
}

function findSlots(socket: Socket): typeof slots {
  const symbols = Object.getOwnPropertySymbols(socket)
  const named = (name: string) => symbols.find(({ description }) => description === name)
  const [buffer, callback] = [named('kBuffer'), named('kBufferCb')]
  return buffer === undefined || callback === undefined ? null : { buffer, callback }
}
