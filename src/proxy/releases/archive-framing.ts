import { Header } from 'tar'
import { parsePaxRecords } from './pax-records.ts'
import { type ReleaseLimits, refused, tooLarge } from './refusal.ts'

const blockSize = 512
/** Of an extended header or a long name: names are far shorter. */
const maxMetaSize = 65_536
const zeroBlock = Buffer.alloc(blockSize)

/** What the type flag of a header says that is taken; `meta` describes the entry after it. */
const kinds = new Map([
  ['0', 'file'],
  ['\0', 'file'],
  ['1', 'link'],
  ['2', 'link'],
  ['5', 'folder'],
  ['x', 'meta'],
  ['g', 'meta'],
  ['L', 'meta'],
  ['K', 'meta'],
] as const)

const refusedKinds = new Map([
  ['3', 'is a character device'],
  ['4', 'is a block device'],
  ['6', 'is a named pipe (FIFO)'],
  ['7', 'is a contiguous file'],
  ['S', 'is a sparse file'],
])

interface Meta {
  readonly type: string
  readonly name: string
  readonly size: number
  readonly parts: Buffer[]
}

/**
 * Follows the bytes of a tar archive (ustar, pax, GNU long names) and holds its structure to the letter, before the `tar`
 * package reads them: checksums, types, stated sizes against the limits, the end, and nothing behind the end. It sees a
 * header before anything of that entry is written.
 */
export class ArchiveFraming {
  readonly #limits: ReleaseLimits
  /** The part of a header that has arrived. */
  #head: Buffer = Buffer.alloc(0)
  /** Bytes of the body that are to come, with its padding. */
  #bodyLeft = 0
  /** The body of an extended header, while it arrives. */
  #meta: Meta | null = null
  /** What an extended header says of the next entry. */
  #nextSize: number | null = null
  #zeroBlocks = 0
  #entries = 0
  #headers = 0
  #size = 0
  /** Sizes of the entries seen, that `takeSize` has not given out. */
  readonly #sizes: number[] = []

  constructor(limits: ReleaseLimits) {
    this.#limits = limits
  }

  /**
   * Whether a reader may have the bytes so far: they begin with a header, and do not end inside an extended header, whose
   * text it must get in one piece.
   */
  get isReadable(): boolean {
    return this.#headers > 0 && this.#meta === null
  }

  /** Bytes of the files so far, as stated. */
  get size(): number {
    return this.#size
  }

  /** @throws CserviceError RELEASE_REFUSED, RELEASE_TOO_LARGE */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#bodyLeft > 0) at += this.#takeBody(chunk, at)
      else if (this.#zeroBlocks >= 2) at += this.#takePadding(chunk, at)
      else at += this.#takeHead(chunk, at)
    }
  }

  /** All bytes are there. @throws CserviceError RELEASE_REFUSED when that is too early */
  end(): void {
    if (this.#headers === 0 && this.#zeroBlocks === 0) throw notATarball()
    if (this.#zeroBlocks < 2 || this.#head.length > 0) throw refused('it is truncated: its end is missing')
    if (this.#entries === 0) throw refused('it is empty')
  }

  /** The stated size of the next entry, for whoever reads the same entries: both must agree. */
  takeSize(): number | undefined {
    return this.#sizes.shift()
  }

  #takeBody(chunk: Buffer, at: number): number {
    const length = Math.min(this.#bodyLeft, chunk.length - at)
    this.#meta?.parts.push(chunk.subarray(at, at + length))
    this.#bodyLeft -= length
    if (this.#bodyLeft === 0 && this.#meta !== null) this.#readMeta(this.#meta)
    return length
  }

  #takePadding(chunk: Buffer, at: number): number {
    const part = chunk.subarray(at, at + blockSize)
    if (!part.equals(zeroBlock.subarray(0, part.length))) throw refused('something stands behind its end')
    return part.length
  }

  #takeHead(chunk: Buffer, at: number): number {
    const missing = blockSize - this.#head.length
    const part = chunk.subarray(at, at + missing)
    const isWhole = part.length === missing
    if (isWhole) {
      const block = this.#head.length === 0 ? part : Buffer.concat([this.#head, part])
      this.#head = Buffer.alloc(0)
      this.#readHead(block)
    } else {
      this.#head = Buffer.concat([this.#head, part])
    }
    return part.length
  }

  #readHead(block: Buffer): void {
    if (block.equals(zeroBlock)) {
      this.#zeroBlocks++
      return
    }
    if (this.#zeroBlocks > 0) throw refused('it goes on behind an empty block')
    const isFirst = this.#headers++ === 0
    const header = decode(block)
    if (header === null || !header.cksumValid) {
      if (isFirst) throw notATarball()
      throw refused('it is damaged: a header has a wrong checksum')
    }
    const name = header.path ?? ''
    const flag = String.fromCharCode(block[156] ?? 0)
    const kind = kinds.get(flag as '0')
    if (kind === undefined)
      throw refused(refusedKinds.get(flag) ?? `has the unknown type ${JSON.stringify(flag)}`, name)
    if (kind === 'meta') this.#beginMeta(flag, name, header.size)
    else this.#beginEntry(kind, name, kind === 'folder' ? sizeField(block) : header.size)
  }

  #beginMeta(type: string, name: string, size: number | undefined): void {
    if (size === undefined || size > maxMetaSize)
      throw refused(`has an extended header that is longer than a name can be`, name)
    if (this.#headers > 4 * this.#limits.maxFiles + 16) throw this.#tooMany()
    if (size === 0) return
    this.#meta = { type, name, size, parts: [] }
    this.#bodyLeft = padded(size)
  }

  #readMeta({ type, name, size, parts }: Meta): void {
    this.#meta = null
    const body = Buffer.concat(parts).subarray(0, size)
    if (type === 'L' || type === 'K') {
      const end = body.indexOf(0)
      if (end !== -1 && end < body.length - 1) throw refused('has a long name with a NUL in it', name)
      return
    }
    const records = parsePaxRecords(body, name)
    for (const [key, value] of records) {
      if (key.startsWith('GNU.sparse')) throw refused('is a sparse file', name)
      if ((key === 'path' || key === 'linkpath') && value.includes('\0'))
        throw refused('has a name with a NUL in it', name)
      if (type === 'g' && key !== 'comment')
        throw refused(`has a global extended header ${JSON.stringify(key)}, which would hold for every entry`, name)
    }
    const stated = records.get('size')
    if (stated === undefined) return
    if (!/^\d{1,15}$/.test(stated)) throw refused('has a size that is no number', name)
    this.#nextSize = Number(stated)
  }

  #beginEntry(kind: 'file' | 'link' | 'folder', name: string, ownSize: number | undefined): void {
    const size = this.#nextSize ?? ownSize
    this.#nextSize = null
    if (size === undefined) throw refused('has a size that is no number', name)
    if (kind !== 'file' && size > 0) throw refused(`is a ${kind} with content`, name)
    if (++this.#entries > this.#limits.maxFiles) throw this.#tooMany()
    this.#size += size
    if (this.#size > this.#limits.maxSize)
      throw tooLarge(`its files have more than ${this.#limits.maxSize} bytes`, name)
    this.#sizes.push(size)
    this.#bodyLeft = padded(size)
  }

  #tooMany() {
    return tooLarge(`it has more than ${this.#limits.maxFiles} files, folders and links`)
  }
}

function decode(block: Buffer): Header | null {
  try {
    return new Header(block)
  } catch {
    return null // a number that no computer can count to
  }
}

/** `tar` takes the size of a folder for nothing, whatever is there. */
function sizeField(block: Buffer): number {
  return /^[0 \0]*$/.test(block.toString('latin1', 124, 136)) ? 0 : 1
}

function padded(size: number): number {
  return Math.ceil(size / blockSize) * blockSize
}

function notATarball() {
  return refused('it is no tarball', null, 'Give a .tgz or .tar: npm pack, or tar czf app.tgz -C folder .')
}
