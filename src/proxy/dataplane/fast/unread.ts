import type { ReadMemory } from './read-memory.ts'

/** What has come on a connection and not been taken yet. It may lie where it was read into for as long as nothing else is read. */
export class Unread {
  #bytes: Buffer | null = null
  /** What it was read into, if that holds other bytes soon; null: it is ours. */
  #memory: ReadMemory | null = null

  /** null: nothing. */
  get bytes(): Buffer | null {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#bytes === null
  }

  get memory(): ReadMemory | null {
    return this.#memory
  }

  get length(): number {
    return this.#bytes?.length ?? 0
  }

  /** More has come. @param memory as in `OnRead` */
  add(bytes: Buffer, length: number, memory: ReadMemory | null): void {
    const piece = bytes.subarray(0, length)
    this.#memory = this.#bytes === null ? memory : null
    this.#bytes = this.#bytes === null ? piece : Buffer.concat([this.#bytes, piece])
  }

  /** Of these bytes, which it was, those from here on are left. */
  keep(bytes: Buffer, from: number): void {
    this.#bytes = from < bytes.length ? bytes.subarray(from) : null
  }

  /** Something else is read next. */
  own(): void {
    if (this.#memory !== null && this.#bytes !== null) this.#bytes = Buffer.from(this.#bytes)
    this.#memory = null
  }

  clear(): void {
    this.#bytes = null
  }
}
