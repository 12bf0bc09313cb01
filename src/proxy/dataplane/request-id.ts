import { randomBytes } from 'node:crypto'

const pool = { bytes: Buffer.alloc(0), offset: 0 }

/** The client's own request id if it is sane, else a new one. */
export function requestIdOf(given: string | readonly string[] | undefined): string {
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : newRequestId()
}

/** 96 random bits in hex. The random bytes are drawn many at a time: a draw costs more than a request id should. */
export function newRequestId(): string {
  if (pool.offset >= pool.bytes.length) {
    pool.bytes = randomBytes(12 * 256)
    pool.offset = 0
  }
  pool.offset += 12
  return pool.bytes.toString('hex', pool.offset - 12, pool.offset)
}
