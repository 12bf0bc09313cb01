/** Reflected polynomial of CRC32c (RFC 9260, appendix A). */
const polynomial = 0x82f63b78

const table = new Uint32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1
  table[byte] = value
}

/** CRC32c of the bytes, with those from `blankStart` to `blankEnd` taken as zero. */
export function crc32c(bytes: Uint8Array, blankStart = 0, blankEnd = 0): number {
  let crc = 0xffffffff
  for (let index = 0; index < bytes.length; index++) {
    const byte = index >= blankStart && index < blankEnd ? 0 : (bytes[index] as number)
    crc = (table[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)
  }
  return (crc ^ 0xffffffff) >>> 0
}
