import type { Body } from '../fast/body.ts'
import { ChunkedScanner } from '../fast/chunked-scanner.ts'
import type { Sink } from '../fast/outlet.ts'
import type { ReadMemory } from '../fast/read-memory.ts'

/** What is in a chunked body, without the chunks; HTTP/2 has a framing of its own. */
export class ChunkContents implements Body {
  readonly #scanner = new ChunkedScanner(undefined, false)

  get isComplete(): boolean {
    return this.#scanner.isDone
  }

  get isOdd(): boolean {
    return this.#scanner.isOdd
  }

  get isTooLong(): boolean {
    return this.#scanner.isTooLong
  }

  /** Once complete: names and values in turn. */
  get trailers(): readonly string[] {
    return this.#scanner.trailers
  }

  pass(buffer: Buffer, start: number, end: number, sink: Sink, memory: ReadMemory | null): number {
    return this.#scanner.scan(buffer, start, end, sink, memory)
  }

  finish(): boolean {
    return this.isComplete
  }
}

/** A body that ends with the worker's connection, as it comes. */
export class OpenContents implements Body {
  isComplete = false
  readonly isOdd = false
  readonly isTooLong = false

  pass(buffer: Buffer, start: number, end: number, sink: Sink, memory: ReadMemory | null): number {
    sink.bytes(buffer, start, end, memory)
    return end
  }

  finish(): boolean {
    this.isComplete = true
    return true
  }
}
