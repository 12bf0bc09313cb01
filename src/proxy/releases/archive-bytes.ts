import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { refused, tooLarge } from './refusal.ts'

const chunkSize = 64 * 1024

/** The bytes of a release as they arrive: counted and digested, and unpacked where they are gzip (RFC 1952). */
export class ArchiveBytes {
  readonly #source: AsyncIterable<Uint8Array>
  readonly #limit: number
  readonly #digest = createHash('sha256')
  #received = 0

  /** @param limit of the bytes as they come: gzip can go on for ever and hold nothing */
  constructor(source: AsyncIterable<Uint8Array>, limit: number) {
    this.#source = source
    this.#limit = limit
  }

  /** As they came, packed or not. */
  get received(): number {
    return this.#received
  }

  /**
   * The bytes of the tar archive. Reads no faster than it is read.
   * @throws CserviceError RELEASE_REFUSED: neither gzip nor tar, damaged, truncated, or with something behind its end
   */
  async *tar(): AsyncGenerator<Buffer> {
    const bytes = this.#digested()
    const first = await firstBytes(bytes)
    if (isGzip(first)) yield* this.#gunzipped(first, bytes)
    else {
      const other = otherFormat(first)
      if (other !== null) throw refused(`it is ${other}, and no tarball`, null, 'Only .tgz (gzip) and .tar are taken.')
      yield first
      yield* bytes
    }
  }

  /** SHA-256 of all bytes as they came, in hex; when they have been read to the end. */
  sha256(): string {
    return this.#digest.digest('hex')
  }

  async *#digested(): AsyncGenerator<Buffer> {
    for await (const chunk of this.#source) {
      this.#received += chunk.length
      if (this.#received > this.#limit) throw tooLarge(`the archive has more than ${this.#limit} bytes`)
      this.#digest.update(chunk)
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    }
  }

  async *#gunzipped(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
    let isRead = false
    const packed = Readable.from(
      (async function* () {
        yield first
        yield* rest
        isRead = true
      })(),
      { objectMode: false, highWaterMark: chunkSize },
    )
    const gunzip = createGunzip({ chunkSize })
    const done = pipeline(packed, gunzip)
    done.catch(() => {}) // the loop throws it as well
    try {
      for await (const chunk of gunzip) yield chunk
    } catch (error) {
      throw toRefusal(error)
    }
    // What it did not want is neither a further member nor nothing: it ends early then, and does not ask for more.
    if (!isRead || gunzip.bytesWritten !== this.#received) throw refused('something stands behind the end of its gzip')
    await done
  }
}

/** Enough to tell what it is. */
async function firstBytes(bytes: AsyncGenerator<Buffer>): Promise<Buffer> {
  let first: Buffer = Buffer.alloc(0)
  while (first.length < 264) {
    const { value, done } = await bytes.next()
    if (done) break
    first = first.length === 0 ? value : Buffer.concat([first, value])
  }
  if (first.length === 0) throw refused('nothing came')
  return first
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

function otherFormat(bytes: Buffer): string | null {
  const starts = (hex: string) => bytes.subarray(0, hex.length / 2).toString('hex') === hex
  if (bytes.toString('latin1', 257, 262) === 'ustar') return null
  if (starts('504b0304')) return 'a zip archive'
  if (starts('fd377a585a00')) return 'packed with xz'
  if (starts('28b52ffd')) return 'packed with zstd'
  if (starts('425a68')) return 'packed with bzip2'
  return null
}

function toRefusal(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'Z_BUF_ERROR') return refused('it is truncated: the end of its gzip is missing')
  if (code?.startsWith('Z_')) return refused(`its gzip is damaged (${message})`)
  return error
}
