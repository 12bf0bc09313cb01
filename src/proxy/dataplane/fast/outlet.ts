import type { Socket } from 'node:net'
import type { ReadMemory } from './read-memory.ts'
import type { Turn, Writer } from './turn.ts'

/** Up to this size bytes travel as part of one string: a single write costs more than copying them. */
const smallBytes = 16 * 1024
/** More than this does not wait for the end of the turn: a head and as much as is read at first may, for what is read next. */
const gatheredBytes = 32 * 1024

/** Takes what goes on to the other side. */
export interface Sink {
  /** @param text one character a byte */
  text(text: string): void
  /** @param memory what the bytes were read into, if that is used for something else afterwards: what is left of them must be kept or copied */
  bytes(buffer: Buffer, start: number, end: number, memory: ReadMemory | null): void
}

/** For what nobody wants any more. */
export const nowhere: Sink = { text: () => {}, bytes: () => {} }

/**
 * What is written to a socket, gathered into as few writes as possible: first up to a `flush`, then, where the turn gathers,
 * up to its end.
 */
export class Outlet implements Sink, Writer {
  readonly #socket: Socket
  readonly #turn: Turn
  /** Gathered since the last `flush`. */
  #text = ''
  /** Flushed, and waiting for the end of the turn. */
  #ready = ''
  /** Whether something has been written since the last `flush`, and is held back until then. */
  #isCorked = false
  #bytesGiven = 0
  /** What the socket was given to write without a copy, until it has nothing more to write. */
  readonly #kept: ReadMemory[] = []
  readonly #onTakesMore: () => void

  /** @param onTakesMore called when the other side takes more again */
  constructor(socket: Socket, turn: Turn, onTakesMore: () => void) {
    this.#socket = socket
    this.#turn = turn
    this.#onTakesMore = onTakesMore
    socket.on('drain', this.#onDrain)
    socket.on('close', this.#onClose)
  }

  /** Whether the other side takes no more for now; `onTakesMore` follows. */
  get isBlocked(): boolean {
    // A large write that the system took at once asks for a 'drain' as well, but there is nothing to wait for.
    return this.#socket.writableLength > 0 && (this.#socket.writableNeedDrain || this.#kept.length > 0)
  }

  /** Whether the system has taken everything. */
  get isEmpty(): boolean {
    return this.#socket.writableLength === 0 && this.#ready === '' && this.#text === ''
  }

  /** What it was given so far, whether or not it has been written. */
  get bytesTaken(): number {
    return this.#bytesGiven + this.#ready.length + this.#text.length
  }

  /** What it has given to the socket so far. */
  get bytesGiven(): number {
    return this.#bytesGiven
  }

  text(text: string): void {
    this.#text += text
  }

  bytes(buffer: Buffer, start: number, end: number, memory: ReadMemory | null): void {
    if (end <= start) return
    if (end - start <= smallBytes) {
      this.#text += buffer.toString('latin1', start, end)
      return
    }
    if (!this.#isCorked) this.#socket.cork()
    this.#isCorked = true
    this.#ready += this.#text
    this.#text = ''
    this.write()
    const piece = buffer.subarray(start, end)
    this.#bytesGiven += piece.length
    if (memory !== null && !memory.isCommon) {
      memory.keep()
      this.#kept.push(memory)
    }
    this.#give(memory?.isCommon ? Buffer.from(piece) : piece)
  }

  /** @returns false if the other side takes no more for now */
  flush(): boolean {
    const text = this.#text
    if (text !== '') {
      this.#text = ''
      if (this.#ready !== '')
        this.#ready += text // its turn comes
      else {
        this.#ready = text
        if (this.#turn.gathers) this.#turn.add(this)
        else this.write()
      }
    }
    if (this.#isCorked || this.#ready.length > gatheredBytes) {
      this.write()
      if (this.#isCorked) this.#socket.uncork()
      this.#isCorked = false
      this.#releaseWritten()
    }
    return !this.isBlocked
  }

  /** Forgets what has been gathered since the last `flush`. @returns whether that was all: nothing of it has been written */
  discard(): boolean {
    this.#text = ''
    return !this.#isCorked
  }

  /** Takes back all that has been gathered, flushed or not. @returns one character a byte */
  takeBack(): string {
    const text = this.#ready + this.#text
    this.#ready = ''
    this.#text = ''
    return text
  }

  /** Gives the system what was flushed: it waits no longer. */
  write(): void {
    const ready = this.#ready
    if (ready === '') return
    this.#ready = ''
    this.#bytesGiven += ready.length
    if (this.#socket.writable) this.#give(ready)
  }

  /** A 'drain' says that all has been written, but only behind much: with memory that is kept we have to know in any case. */
  #give(bytes: string | Buffer): void {
    if (this.#kept.length > 0) this.#socket.write(bytes, 'latin1', this.#onWritten)
    else this.#socket.write(bytes, 'latin1')
  }

  /** The socket is somebody else's from now on. */
  release(): void {
    this.#socket.off('drain', this.#onDrain)
  }

  readonly #onDrain = (): void => {
    this.#releaseWritten()
    this.#onTakesMore()
  }

  readonly #onWritten = (): void => {
    if (this.#kept.length === 0) return // it was written at once
    this.#releaseWritten()
    // Else a 'drain' follows.
    if (this.#kept.length === 0 && !this.#socket.writableNeedDrain) this.#onTakesMore()
  }

  /** Nobody writes any more. */
  readonly #onClose = (): void => {
    for (const memory of this.#kept.splice(0)) memory.release()
  }

  /** What a socket has not written yet is part of its length, whoever has it, Node or libuv. */
  #releaseWritten(): void {
    if (this.#kept.length === 0 || this.#socket.writableLength > 0) return
    for (const memory of this.#kept.splice(0)) memory.release()
  }
}
