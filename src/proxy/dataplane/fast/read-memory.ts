/** What all sockets read into while little comes. It is copied, so more would cost a large body more; less, a small one another read. */
const commonSize = 8 * 1024
/** What one socket reads into while much comes. */
const ownSize = 128 * 1024
/** How many of these there may be, with those that wait to be written to somebody slow: beyond that, sockets read into the memory of all. */
const ownLimit = 256
/** How many of them are there for the next socket to which much comes. */
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

  /** Whether somebody needs what is in it, beside the one that reads into it. */
  get isKept(): boolean {
    return this.#keepers > 1
  }

  /** It is needed, to read into it or with what is in it, until `release`. */
  keep(): void {
    this.#keepers++
  }

  release(): void {
    if (--this.#keepers === 0) giveBack(this)
  }
}

const common = new ReadMemory(commonSize, true)
/** Nobody reads into these, and nobody keeps what is in them. The one that was used last is used first: the processor has it at hand. */
const spares: ReadMemory[] = []
let usedCount = 0

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
    if (expectsMore) this.#memory = take()
  }

  /** Nothing more is read. */
  end(): void {
    if (this.#memory.isCommon) return
    this.#memory.release()
    this.#memory = common
  }
}

function take(): ReadMemory {
  if (usedCount >= ownLimit) return common
  usedCount++
  const memory = spares.pop() ?? new ReadMemory(ownSize, false)
  memory.keep()
  return memory
}

function giveBack(memory: ReadMemory): void {
  usedCount--
  if (spares.length < spareLimit) spares.push(memory)
}
