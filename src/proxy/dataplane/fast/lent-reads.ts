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
  _handle?: { useUserBuffer?: (buffer: Buffer) => void } | null
}

/** What `onread` says. */
interface Lent {
  readonly buffer: () => Buffer
  /** Takes the length of what has been read. @returns whether to read on */
  readonly callback: (length: number) => boolean
}

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
  readonly #reader = new Reader()
  #onRead: OnRead | null

  constructor(accepted: Socket, onRead: OnRead) {
    this.#onRead = onRead
    const onread: Lent = { buffer: this.#reader.buffer, callback: (length) => this.#take(length) }
    const handle = takeHandle(accepted)
    this.socket =
      handle === null ? accepted : new Socket({ handle, allowHalfOpen: true, onread } as SocketConstructorOpts)
    if (handle === null && !lend(accepted, onread)) accepted.on('data', this.#onData)
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

/** Where `net.Socket` keeps what `onread` says; null: it was looked for in vain. */
let slots: Slots | null | undefined

interface Slots {
  readonly buffer: symbol
  readonly next: symbol
  readonly callback: symbol
}

/** Has a socket with TLS read into memory of ours from now on. @returns false if that cannot be done */
function lend(accepted: Socket, { buffer, callback }: Lent): boolean {
  if (!('encrypted' in accepted) || accepted.destroyed) return false
  // Somebody reads it already, or has.
  if (accepted.readableLength > 0 || accepted.readableFlowing !== null) return false
  if (slots === undefined) slots = findSlots(accepted)
  const handle = (accepted as Undocumented)._handle
  if (slots === null || typeof handle?.useUserBuffer !== 'function') return false
  const kept = accepted as unknown as Record<symbol, unknown>
  if (kept[slots.buffer] !== null || kept[slots.next] !== null || kept[slots.callback] !== null) return false
  const first = buffer()
  kept[slots.buffer] = first
  kept[slots.next] = buffer
  kept[slots.callback] = callback
  handle.useUserBuffer(first)
  accepted.read(0)
  return true
}

function findSlots(socket: Socket): Slots | null {
  const symbols = Object.getOwnPropertySymbols(socket)
  const named = (name: string) => symbols.find(({ description }) => description === name)
  const [buffer, next, callback] = [named('kBuffer'), named('kBufferGen'), named('kBufferCb')]
  return buffer === undefined || next === undefined || callback === undefined ? null : { buffer, next, callback }
}
