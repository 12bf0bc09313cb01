import { isIPv4, isIPv6 } from 'node:net'
import { crc32c } from './crc32c.ts'

/** Longest line of version 1, its end included. */
const lineLimit = 107
/** Longest header of version 2: the specification lets it be 64 KiB; nobody needs more than a fraction. */
const binaryLimit = 4 * 1024
const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
const prefix = Buffer.from('PROXY ')
/** Bytes that both addresses and ports take, by the family in the header. */
const addressBytes: Readonly<Record<number, number>> = { 1: 12, 2: 36, 3: 216 }
const crcType = 0x03

export interface ProxyHeader {
  /** Bytes that it takes. */
  readonly size: number
  /**
   * `told`: the client has this address. `own`: the peer speaks for itself (a health check). `unknown`: the peer passes
   * somebody's bytes on and does not say whose.
   */
  readonly source: { readonly kind: 'told'; readonly address: string } | { readonly kind: 'own' | 'unknown' }
}

/**
 * Reads a header of the PROXY protocol, version 1 or 2 (haproxy.org/download/3.2/doc/proxy-protocol.txt), from the beginning
 * of a connection:
 *
 *     v1 = "PROXY " ( "TCP4" / "TCP6" ) SP source SP destination SP port SP port CRLF      ; 107 bytes at most
 *        / "PROXY UNKNOWN" [ SP anything ] CRLF
 *     v2 = signature version-command family length addresses *TLV                          ; 4 KiB at most
 *
 * Extensions (TLV) are skipped, but for a checksum (CRC32c), which must be right. Pure.
 * @returns 'more' if it is sound as far as it goes; 'bad' as soon as it is not
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | 'more' | 'bad' {
  if (bytes.length === 0) return 'more'
  return bytes[0] === signature[0] ? parseBinary(bytes) : parseLine(bytes)
}

function parseLine(bytes: Buffer): ProxyHeader | 'more' | 'bad' {
  if (!beginsLike(bytes, prefix)) return 'bad'
  const end = bytes.indexOf('\n')
  if (end >= lineLimit || (end === -1 && bytes.length >= lineLimit)) return 'bad'
  if (end === -1) return 'more'
  const line = bytes.toString('latin1', 0, end + 1)
  const size = end + 1
  if (/^PROXY UNKNOWN(?: [^\r\n]*)?\r\n$/.test(line)) return { size, source: { kind: 'unknown' } }
  const match = /^PROXY TCP([46]) (\S+) (\S+) (\d{1,5}) (\d{1,5})\r\n$/.exec(line)
  if (match === null) return 'bad'
  const [, family, source = '', destination = '', ...ports] = match
  const isAddress = family === '4' ? isIPv4 : isAddressOf6
  if (!isAddress(source) || !isAddress(destination) || !ports.every(isPort)) return 'bad'
  return { size, source: { kind: 'told', address: source } }
}

function parseBinary(bytes: Buffer): ProxyHeader | 'more' | 'bad' {
  if (!beginsLike(bytes, signature)) return 'bad'
  // What can be told to be wrong already is not waited for.
  const command = bytes[12] ?? 0x20
  if (command !== 0x20 && command !== 0x21) return 'bad'
  if (bytes.length < 16) return 'more'
  const family = (bytes[13] as number) >> 4
  const protocol = (bytes[13] as number) & 0xf
  const length = bytes.readUInt16BE(14)
  const size = 16 + length
  const isLocal = command === 0x20
  const taken = addressBytes[family] ?? 0
  if (size > binaryLimit) return 'bad'
  if (!isLocal && (family > 3 || protocol > 2 || length < taken)) return 'bad'
  if (bytes.length < size) return 'more'
  if (isLocal) return { size, source: { kind: 'own' } } // whatever follows is to be ignored
  // Where the family is not told, nor is how much of the rest are addresses.
  if (family !== 0 && !areExtensionsSound(bytes.subarray(0, size), 16 + taken)) return 'bad'
  // Only TCP is proxied here: anything else is said not to be known, as the specification asks.
  if (protocol !== 1 || family === 0 || family === 3) return { size, source: { kind: 'unknown' } }
  const address = family === 1 ? address4(bytes, 16) : address6(bytes, 16)
  return { size, source: { kind: 'told', address } }
}

/** Whether the bytes are the literal, or as much of it as has come. */
function beginsLike(bytes: Buffer, literal: Buffer): boolean {
  const length = Math.min(bytes.length, literal.length)
  return bytes.compare(literal, 0, length, 0, length) === 0
}

function areExtensionsSound(header: Buffer, start: number): boolean {
  let at = start
  while (at < header.length) {
    if (at + 3 > header.length) return false
    const end = at + 3 + header.readUInt16BE(at + 1)
    if (end > header.length) return false
    if (header[at] === crcType) {
      if (end - at !== 7 || header.readUInt32BE(at + 3) !== crc32c(header, at + 3, end)) return false
    }
    at = end
  }
  return true
}

function isAddressOf6(text: string): boolean {
  return isIPv6(text) && !text.includes('%')
}

function isPort(text: string): boolean {
  return Number(text) <= 65535 && (text === '0' || !text.startsWith('0'))
}

function address4(bytes: Buffer, start: number): string {
  return bytes.subarray(start, start + 4).join('.')
}

/** As RFC 5952 writes it. */
function address6(bytes: Buffer, start: number): string {
  const groups: string[] = []
  for (let index = 0; index < 16; index += 2) groups.push(bytes.readUInt16BE(start + index).toString(16))
  // An address that is mapped from IPv4 is to be known again as such.
  if (groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff') {
    return `::ffff:${address4(bytes, start + 12)}`
  }
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
