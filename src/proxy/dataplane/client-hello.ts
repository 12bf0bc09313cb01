/** What the first bytes of a TLS connection say. */
export type ClientHello =
  /** Not all of it has come; there must be so many bytes before it is worth another look. */
  | { readonly isWhole: false; readonly needed: number }
  /** `servername` is what the client asks for (SNI), as it wrote it; null: nothing, or nothing that makes sense. */
  | { readonly isWhole: true; readonly servername: string | null }

const handshakeRecord = 22
const clientHello = 1
const serverNameExtension = 0
const recordHeader = 5
/** Bytes of a record at most, and of a ClientHello that is listened to; real ones have a few hundred, or 2,000. */
const sizeLimit = 16 * 1024

const nothing = { isWhole: true, servername: null } as const

/**
 * Reads the server name out of a ClientHello (RFC 8446 4.1.2, RFC 6066 3), which may come in several records. Whatever is odd
 * counts as no name: OpenSSL reads it after us, and knows what to answer. Pure.
 */
export function readClientHello(bytes: Buffer): ClientHello {
  const fragments: Buffer[] = []
  let length = 0
  for (let start = 0; ; ) {
    if (bytes.length > start && bytes[start] !== handshakeRecord) return nothing
    if (bytes.length < start + recordHeader) return { isWhole: false, needed: start + recordHeader }
    const size = bytes.readUInt16BE(start + 3)
    if (size === 0 || size > sizeLimit) return nothing
    const end = start + recordHeader + size
    if (bytes.length < end) return { isWhole: false, needed: end }
    fragments.push(bytes.subarray(start + recordHeader, end))
    length += size
    const message = Buffer.concat(fragments, length)
    if (message[0] !== clientHello) return nothing
    const whole = length >= 4 ? 4 + message.readUIntBE(1, 3) : Number.POSITIVE_INFINITY
    if (whole <= length) return { isWhole: true, servername: serverNameIn(new Reader(message.subarray(4, whole))) }
    if ((length >= 4 && whole > sizeLimit) || length > sizeLimit || fragments.length > 16) return nothing
    start = end
  }
}

function serverNameIn(hello: Reader): string | null {
  hello.skip(2 + 32) // version, random
  hello.vector(1) // session
  hello.vector(2) // cipher suites
  hello.vector(1) // compression
  const extensions = hello.vector(2)
  while (extensions.hasMore) {
    const type = extensions.number(2)
    const content = extensions.vector(2)
    if (type === serverNameExtension) return hostNameIn(content.vector(2))
  }
  return null
}

function hostNameIn(names: Reader): string | null {
  while (names.hasMore) {
    const isHostName = names.number(1) === 0
    const name = names.vector(2)
    if (isHostName && name.text !== '') return name.text
  }
  return null
}

/** Takes one thing after the other; past the end there is nothing but zeros and emptiness. */
class Reader {
  readonly #bytes: Buffer
  #position = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get hasMore(): boolean {
    return this.#position < this.#bytes.length
  }

  get text(): string {
    return this.#bytes.toString('latin1')
  }

  skip(count: number): void {
    this.#position += count
  }

  /** A whole number of one or two bytes. */
  number(size: 1 | 2): number {
    const end = this.#position + size
    const value = end > this.#bytes.length ? 0 : this.#bytes.readUIntBE(this.#position, size)
    this.#position = end
    return value
  }

  /** What is as long as the number before it says. */
  vector(size: 1 | 2): Reader {
    const length = this.number(size)
    const start = this.#position
    this.#position += length
    return new Reader(
      this.#position > this.#bytes.length ? Buffer.alloc(0) : this.#bytes.subarray(start, start + length),
    )
  }
}
