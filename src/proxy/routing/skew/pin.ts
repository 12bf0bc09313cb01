import { createHmac, timingSafeEqual } from 'node:crypto'

/** That a page was loaded from a version: what a client must go on talking to. */
export interface Pin {
  readonly version: string
  /** When the page was loaded, in seconds since the epoch. */
  readonly since: number
}

/** 128 bits: nobody finds a signature by trying. */
const signatureBytes = 16
const form = /^([A-Za-z0-9_-][A-Za-z0-9._-]{0,127})\.([0-9a-z]{1,8})\.([A-Za-z0-9_-]{22})$/
/** How many cookies that were found genuine are kept: checking a signature costs some microseconds. */
const cacheLimit = 1_024

/**
 * Writes pins as values of a cookie, and reads them: `<version>.<since, base 36>.<signature>`, signed with HMAC-SHA-256
 * (RFC 2104), so that a client cannot choose a version that it was not given.
 */
export class PinSeal {
  readonly #key: Buffer
  readonly #known = new Map<string, Pin>()

  /** @param key secret; the same in all proxy processes */
  constructor(key: Buffer) {
    this.#key = key
  }

  seal({ version, since }: Pin): string {
    const text = `${version}.${since.toString(36)}`
    return `${text}.${this.#sign(text).toString('base64url')}`
  }

  /** @returns null if it is none of ours */
  open(value: string): Pin | null {
    const known = this.#known.get(value)
    if (known !== undefined) return known
    const [, version, since, signature] = form.exec(value) ?? []
    if (version === undefined || since === undefined || signature === undefined) return null
    if (!timingSafeEqual(this.#sign(`${version}.${since}`), Buffer.from(signature, 'base64url'))) return null
    const pin = { version, since: Number.parseInt(since, 36) }
    if (this.#known.size >= cacheLimit) this.#known.clear()
    this.#known.set(value, pin)
    return pin
  }

  #sign(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest().subarray(0, signatureBytes)
  }
}
