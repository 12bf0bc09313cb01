import type { Socket } from 'node:net'

/** Up to this size bytes travel as part of one string: a single write costs more than copying them. */
const smallBytes = 16 * 1024

/** Takes what goes on to the other side. */
export interface Sink {
  /** @param text one character a byte */
  text(text: string): void
  /** @param isLent whether the memory is used for something else afterwards, so that what is left of it must be copied */
  bytes(buffer: Buffer, start: number, end: number, isLent: boolean): void
}

/** For what nobody wants any more. */
export const nowhere: Sink = { text: () => {}, bytes: () => {} }

/** What is written to a socket in one turn, gathered into as few writes as possible. */
export class Outlet implements Sink {
  readonly #socket: Socket
  #text = ''
  /** Whether something has been written since the last `flush`, and is held back until then. */
  #isCorked = false

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Whether the other side takes no more for now; 'drain' follows. */
  get isBlocked(): boolean {
    // A large write that the system took at once asks for a 'drain' as well, but there is nothing to wait for.
    return this.#socket.writableNeedDrain && this.#socket.writableLength > 0
  }

  text(text: string): void {
    this.#text += text
  }

  bytes(buffer: Buffer, start: number, end: number, isLent: boolean): void {
    if (end <= start) return
    if (end - start + this.#text.length <= smallBytes) {
      this.#text += buffer.toString('latin1', start, end)
      return
    }
    if (!this.#isCorked) this.#socket.cork()
    this.#isCorked = true
    this.#flushText()
    const piece = buffer.subarray(start, end)
    this.#socket.write(isLent ? Buffer.from(piece) : piece)
  }

  /** @returns false if the other side takes no more for now */
  flush(): boolean {
    const takesMore = this.#flushText()
    if (!this.#isCorked) return takesMore || !this.isBlocked
    this.#isCorked = false
    this.#socket.uncork()
    return !this.isBlocked
  }

  /** Forgets what has been gathered. @returns whether that was all: nothing has been written since the last `flush` */
  discard(): boolean {
    this.#text = ''
    return !this.#isCorked
  }

  #flushText(): boolean {
    if (this.#text === '') return !this.isBlocked
    const takesMore = this.#socket.write(this.#text, 'latin1')
    this.#text = ''
    return takesMore
  }
}
