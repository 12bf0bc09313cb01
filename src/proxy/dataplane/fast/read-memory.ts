/** What all sockets read into while little comes. It is copied, so more would cost a large body more; less, a small one another read. */
const commonSize = 8 * 1024
/** What one socket reads into while much comes. */
const ownSize = 128 * 1024
/** How many of these there may be, with those that wait to be written to somebody slow. */
const ownLimit = 256
/** As long as there are no more than these, a socket keeps its own for the next message, which may be as large as the last. */
const expectingLimit = 64
/** Beyond the limit, all read into this while much comes. */
const commonLargeSize = 64 * 1024
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
const commonLarge = new ReadMemory(commonLargeSize, true)
/** Nobody reads into these, and nobody keeps what is in them. The one that was used last is used first: the processor has it at hand. */
const spares: ReadMemory[] = []
let usedCount = 0

/** Decides what a socket reads into. */
export class Reader {
  #memory = common
  #wasFull = false
  /** What the socket has been told. */
  #told: ReadMemory | null = null

  /** For `onread`: asked before the first read, and after each. */
  readonly buffer = (): Buffer => {
    // Where it has changed only: Node keeps to the last buffer it was given, and to look up where one lies is not free. That it may
    // be told nothing is not in its documentation, and so not in its types.
    if (this.#told === this.#memory) return undefined as unknown as Buffer
    this.#told = this.#memory
    return this.#memory.bytes
  }

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
    const wasFull = this.#wasFull
    this.#wasFull = length === memory.bytes.length
    const isFree = !memory.isCommon && !memory.isKept
    if (this.#wasFull && readsOn) {
      if (isFree) return
      this.end()
      this.#memory = take()
    } else if (!isFree || usedCount > expectingLimit || !(wasFull || length > commonSize)) this.end()
  }

  /** Nothing more is read for now. */
  end(): void {
    if (!this.#memory.isCommon) this.#memory.release()
    this.#memory = common
  }
}

function take(): ReadMemory {
  if (usedCount >= ownLimit) return commonLarge
  usedCount++
  const memory = spares.pop() ?? new ReadMemory(ownSize, false)
  memory.keep()
  return memory
}

function giveBack(memory: ReadMemory): void {
  usedCount--
  if (spares.length < spareLimit) spares.push(memory)
}
