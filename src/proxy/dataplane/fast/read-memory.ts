/** What all sockets read into while little comes. An answer that fits is passed on as text, which costs less than to keep it. */
const commonSize = 16 * 1024
/** What one socket reads into while much comes. */
const ownSize = 64 * 1024
/** How many sockets may have memory of their own at once; the others read into that of all. */
const ownLimit = 128
/** How much is kept for the next socket to which much comes. */
const spareLimit = 32

/**
 * Memory that is read into, again and again. What is in it is gone with the next read, unless somebody keeps it: then that goes
 * into other memory.
 */
export class ReadMemory {
  readonly bytes: Buffer
  /** Whether all sockets read into it: then nobody can keep what is in it, only copy it. */
  readonly isCommon: boolean
  #keepers = 0

  constructor(size: number, isCommon: boolean) {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.isCommon = isCommon
  }

  get isKept(): boolean {
    return this.#keepers > 0
  }

  /** What is in it is needed, until `release`. */
  keep(): void {
    this.#keepers++
  }

  release(): void {
    if (--this.#keepers === 0) spare(this)
  }
}

const common = new ReadMemory(commonSize, true)
/** Nobody reads into these, and nobody keeps what is in them. The one that was used last is used first: the processor has it at hand. */
const spares: ReadMemory[] = []
let ownCount = 0

/** Decides what a socket reads into. */
export class Reader {
  #memory = common

  /** What is read into next. */
  get memory(): ReadMemory {
    return this.#memory
  }

  /**
   * Something has been read, and was used or kept.
   * @param length bytes
   * @param readsOn whether more is read at once, if there is more
   */
  advance(length: number, readsOn: boolean): void {
    const memory = this.#memory
    const expectsMore = length === memory.bytes.length && readsOn
    if (memory.isCommon ? !expectsMore : expectsMore && !memory.isKept) return
    this.end()
    if (expectsMore && ownCount < ownLimit) {
      ownCount++
      this.#memory = spares.pop() ?? new ReadMemory(ownSize, false)
      this.#memory.keep()
    }
  }

  /** Nothing more is read. */
  end(): void {
    if (this.#memory.isCommon) return
    ownCount--
    this.#memory.release()
    this.#memory = common
  }
}

function spare(memory: ReadMemory): void {
  if (spares.length < spareLimit) spares.push(memory)
}
