import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { cookieValues } from '../cookies.ts'
import type { SelectableRequest } from '../selection.ts'
import type { PreviewSettings } from '../selection-settings.ts'
import { decoded } from '../selectors/decoded.ts'
import { matchesGlob } from './glob.ts'
import { cookiePrefix, keyHeader, keysInQuery } from './preview-traces.ts'

/** What a request shows: nothing of use, the key itself, or the cookie that was given for it. */
export type Shown = 'nothing' | 'key' | 'cookie'

/**
 * The lock of those versions that a pattern stands for. Whoever has shown the key in the query gets a cookie that is made of the
 * key, and from which nobody finds the key. All comparisons take the same time, whatever is compared.
 */
export class PreviewLock {
  readonly #versions: string
  readonly #key: Buffer
  readonly #cookieName: string
  readonly #cookieValue: string
  readonly #cookieDigest: Buffer

  constructor({ versions, digest }: PreviewSettings) {
    this.#versions = versions
    this.#key = Buffer.from(digest, 'base64')
    this.#cookieName = `${cookiePrefix}${this.#derive('name').toString('hex').slice(0, 8)}`
    this.#cookieValue = this.#derive('value').toString('base64url')
    this.#cookieDigest = digestOf(this.#cookieValue)
  }

  isOf(version: string): boolean {
    return matchesGlob(version, this.#versions)
  }

  /** @param keys that the request shows */
  read(request: SelectableRequest, keys: readonly Buffer[]): Shown {
    const cookie = only(cookieValues(request.header('cookie'), this.#cookieName))
    if (cookie !== '' && timingSafeEqual(digestOf(cookie), this.#cookieDigest)) return 'cookie'
    return keys.some((key) => timingSafeEqual(key, this.#key)) ? 'key' : 'nothing'
  }

  /** The value of `Set-Cookie` that stands for the key from now on, until the browser is closed. */
  cookie(isSecure: boolean): string {
    return `${this.#cookieName}=${this.#cookieValue}; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
  }

  #derive(purpose: string): Buffer {
    return createHmac('sha256', this.#key).update(`cservice preview ${purpose}`).digest()
  }
}

/** What is kept of a key, and crosses the channel. */
export function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/** The digests of the keys that a request shows, one for each place where it may; two in one place are none. */
export function shownKeys(request: SelectableRequest): Buffer[] {
  const shown = [only(request.header(keyHeader)), decoded(only(keysInQuery(request.target)))]
  return shown.filter((key) => key !== '').map(digestOf)
}

function only([value = '', second]: readonly string[]): string {
  return second === undefined ? value : ''
}
