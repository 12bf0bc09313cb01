import { ChunkedScanner } from './chunked-scanner.ts'
import type { Sink } from './outlet.ts'
import type { ReadMemory } from './read-memory.ts'

/** A message body on its way, followed to its end (RFC 9112 6.3). */
export interface Body {
  readonly isComplete: boolean
  /** Its framing is broken: nothing that follows makes sense. */
  readonly isOdd: boolean
  /** It is longer than it may be. */
  readonly isTooLong: boolean
  /** Passes on what belongs to the body. @returns the position behind it */
  pass(buffer: Buffer, start: number, end: number, sink: Sink, memory: ReadMemory | null): number
  /** The connection it came on has ended. @returns whether that was its end */
  finish(sink: Sink): boolean
}

/** A body of a length that was stated; 0 for none. */
export class MeasuredBody implements Body {
  #left: number
  readonly isOdd = false
  readonly isTooLong = false

  constructor(length: number) {
    this.#left = length
  }

  get isComplete(): boolean {
    return this.#left === 0
  }

  pass(buffer: Buffer, start: number, end: number, sink: Sink, memory: ReadMemory | null): number {
    const bodyEnd = Math.min(end, start + this.#left)
    this.#left -= bodyEnd - start
    sink.bytes(buffer, start, bodyEnd, memory)
    return bodyEnd
  }

  finish(): boolean {
    return this.isComplete
  }
}

/** A body in chunks, passed on in chunks. */
export class ChunkedBody implements Body {
  readonly #scanner: ChunkedScanner
  readonly #filter: (trailers: readonly string[]) => ReadonlyArray<readonly [string, string]>

  /**
   * @param filter the trailers that go on
   * @param limit bytes of data that it may have
   */
  constructor(filter: (trailers: readonly string[]) => ReadonlyArray<readonly [string, string]>, limit?: number) {
    this.#filter = filter
    this.#scanner = new ChunkedScanner(limit)
  }

  get isComplete(): boolean {
    return this.#scanner.isDone
  }

  get isOdd(): boolean {
    return this.#scanner.isOdd
  }

  get isTooLong(): boolean {
    return this.#scanner.isTooLong
  }

  pass(buffer: Buffer, start: number, end: number, sink: Sink, memory: ReadMemory | null): number {
    const bodyEnd = this.#scanner.scan(buffer, start, end, sink, memory)
    if (this.#scanner.isDone) sink.text(lastChunk(this.#filter(this.#scanner.trailers)))
    return bodyEnd
  }

  finish(): boolean {
    return this.isComplete
  }
}

/** A body whose end is told from outside (that of the worker's connection, say), passed on in chunks: so the connection it goes to can go on. */
export class EndlessBody implements Body {
  isComplete = false
  readonly isOdd = false
  /** To be sent behind its last chunk. */
  trailers: ReadonlyArray<readonly [string, string]> = []
  /** Bytes that it may still have. */
  #allowed: number

  /** @param limit bytes that it may have */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#allowed = limit
  }

  get isTooLong(): boolean {
    return this.#allowed < 0
  }

  pass(buffer: Buffer, start: number, end: number, sink: Sink, memory: ReadMemory | null): number {
    this.#allowed -= end - start
    if (end > start && !this.isTooLong) {
      sink.text(`${(end - start).toString(16)}\r\n`)
      sink.bytes(buffer, start, end, memory)
      sink.text('\r\n')
    }
    return end
  }

  finish(sink: Sink): boolean {
    this.isComplete = true
    sink.text(lastChunk(this.trailers))
    return true
  }
}

function lastChunk(trailers: ReadonlyArray<readonly [string, string]>): string {
  let text = '0\r\n'
  for (const [name, value] of trailers) text += `${name}: ${value}\r\n`
  return `${text}\r\n`
}
