/** What can be in a list. */
export interface Placed {
  /** Where in it: for the list alone. */
  place: number
}

/**
 * The streams of a connection, in no order. Not a `Set`: V8 makes that a new table for every few dozen streams, and each former one
 * points to the next. Once one of them has become old, whatever is in those behind it outlives the collections of young
 * memory, which copy it each time.
 */
export class StreamList<Stream extends Placed> {
  readonly #streams: Stream[] = []

  get size(): number {
    return this.#streams.length
  }

  add(stream: Stream): void {
    stream.place = this.#streams.push(stream) - 1
  }

  /** One that is not in it is let alone. */
  delete(stream: Stream): void {
    const { place } = stream
    if (this.#streams[place] !== stream) return
    const last = this.#streams.pop()
    if (last === undefined || last === stream) return
    this.#streams[place] = last
    last.place = place
  }

  /** Those that are in it now, whatever becomes of them meanwhile. */
  all(): readonly Stream[] {
    return [...this.#streams]
  }
}
