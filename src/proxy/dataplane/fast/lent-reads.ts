import { Socket, type SocketConstructorOpts } from 'node:net'
import { Duplex } from 'node:stream'
import { Reader, type ReadMemory } from './read-memory.ts'

/**
 * Takes what has been read: the first `length` bytes.
 * @param memory what was read into: it holds other bytes once this returns, unless it is kept; null: nobody else uses the buffer
 */
export type OnRead = (bytes: Buffer, length: number, memory: ReadMemory | null) => void

/** What `net.Socket` has beyond its documentation, and may cease to have. */
interface Undocumented {
  _handle?: object | null
}

/**
 * Reads an accepted connection without the price of a stream: a buffer, an event and a turn of the queue for each read, about
 * a tenth of the CPU time of a plain request. `onread` does that and is documented for sockets that connect; an accepted one has
 * to be made once more around its handle, which is not documented. Where that cannot be done (a Node without that handle,
 * TLS, a socket from which something has been read already) it is read as a stream: dearer, and otherwise the same.
 */
export class LentReads {
  /** The connection: use this one, and not the accepted one, from now on. */
  readonly socket: Socket
  readonly #reader = new Reader()
  #onRead: OnRead | null

  constructor(accepted: Socket, onRead: OnRead) {
    this.#onRead = onRead
    const handle = takeHandle(accepted)
    if (handle === null) {
      this.socket = accepted
      accepted.on('data', this.#onData)
      return
    }
    const options = {
      handle,
      allowHalfOpen: true,
      onread: { buffer: this.#reader.buffer, callback: (length: number): boolean => this.#take(length) },
    }
    this.socket = new Socket(options as SocketConstructorOpts)
    this.socket.on('close', () => this.#reader.end())
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
    const { memory } = this.#reader
    const onRead = this.#onRead
    const readsOn = onRead !== null || this.socket.push(Buffer.from(memory.bytes.subarray(0, length)))
    onRead?.(memory.bytes, length, memory)
    this.#reader.advance(length, readsOn && !this.socket.isPaused())
    return readsOn
  }

  readonly #onData = (chunk: Buffer): void => this.#onRead?.(chunk, chunk.length, null)
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
