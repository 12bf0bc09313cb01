import type { ClientStream } from './client-stream.ts'

/**
 * The streams of a connection, in no order. Not a `Set`: V8 makes it a new table for every few dozen streams, and each former one points
 * to the next. Once one of them has become old, all that was ever in those behind it outlives the collections of young memory,
 * and those were a fifth of the CPU time of a request.
 */
export class StreamList {
  readonly #streams: ClientStream[] = []

  get size(): number {
    return this.#streams.length
  }

  add(stream: ClientStream): void {
    stream.place = this.#streams.push(stream) - 1
  }

  /** One that is not there is let alone. */
  delete(stream: ClientStream): void {
    if (this.#streams[stream.place] !== stream) return
    const last = this.#streams.pop() as ClientStream
    if (last === stream) return
    this.#streams[stream.place] = last
    last.place = stream.place
  }

  /** Those that are there now, whatever becomes of them meanwhile. */
  all(): readonly ClientStream[] {
    return [...this.#streams]
  }
}
