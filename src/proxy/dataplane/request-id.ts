import { randomBytes } from 'node:crypto'

const pool = { text: '', offset: 0 }

/** The client's own request id if it is sane, else a new one. */
export function requestIdOf(given: string | readonly string[] | undefined): string {
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : newRequestId()
}

/** 96 random bits in hex. The random bytes are drawn many at a time: a draw costs more than a request id should. */
export function newRequestId(): string {
  if (pool.offset >= pool.text.length) {
    pool.text = randomBytes(12 * 256).toString('hex')
    pool.offset = 0
  }
  pool.offset += 24
  return pool.text.slice(pool.offset - 24, pool.offset)
}
