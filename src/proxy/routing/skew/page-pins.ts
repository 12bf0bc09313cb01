import { cookieValues } from '../cookies.ts'
import type { SelectableRequest, Selection } from '../selection.ts'
import type { Pins } from '../selector.ts'
import type { VersionNames } from '../version-names.ts'
import { isDocument } from './is-document.ts'
import type { Pin, PinSeal } from './pin.ts'

export interface PagePinOptions {
  /** Name of the cookie that holds a client's pin. */
  readonly cookie: string
  /** For how long after it was loaded a page goes on talking to its version, in seconds. */
  readonly maxAge: number
  /** Whether clients come by HTTPS, so that the cookie is for that alone. */
  readonly isSecure: boolean
  readonly seal: PinSeal
  /** Of the catalog. */
  readonly names: VersionNames
  /** Versions that were live and are not kept for their pages any more. */
  readonly lapsed: ReadonlySet<string>
  /** Milliseconds since the epoch. */
  now(): number
}

/**
 * How many cookies of the name are looked at: one of ours, and one of a domain above. Telling that a pin is none of ours takes tens of
 * microseconds, and a head has room for hundreds.
 */
const mostPins = 2
/** A pin is renewed by the next page when this part of its time has passed. */
const renewAfter = 1 / 4

/**
 * Skew protection: a page goes on talking to the version that it was loaded from. A page goes to the version that anybody
 * would get, and is pinned to it by a cookie; what it loads and fetches follows the pin.
 */
export class PagePins implements Pins {
  readonly by = 'sticky'
  readonly #options: PagePinOptions

  constructor(options: PagePinOptions) {
    this.#options = options
  }

  read(request: SelectableRequest): string | null {
    // A form goes to the version that has written it: pinned, although a page is its answer.
    if (isDocument(request) && isSafe(request)) return null
    const pin = this.#pinOf(request)
    return pin !== null && this.#isKept(pin) ? pin.version : null
  }

  keep(request: SelectableRequest, selection: Selection): Selection {
    const pin = this.#pinOf(request)
    if (!isDocument(request)) {
      if (pin === null || pin.version === selection.version) return selection
      return { ...selection, lost: pin.version }
    }
    const { cookie, maxAge, isSecure, seal } = this.#options
    if (pin?.version === selection.version && this.#age(pin) < maxAge * renewAfter) return selection
    const value = seal.seal({ version: selection.version, since: this.#now() })
    const attributes = `Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
    return { ...selection, cookies: [...selection.cookies, `${cookie}=${value}; ${attributes}`] }
  }

  #isKept(pin: Pin): boolean {
    const { names, lapsed, maxAge } = this.#options
    return names.has(pin.version) && !lapsed.has(pin.version) && this.#age(pin) < maxAge
  }

  #pinOf(request: SelectableRequest): Pin | null {
    for (const value of cookieValues(request.header('cookie'), this.#options.cookie).slice(0, mostPins)) {
      const pin = this.#options.seal.open(value)
      if (pin !== null) return pin
    }
    return null
  }

  #age({ since }: Pin): number {
    return this.#now() - since
  }

  #now(): number {
    return Math.floor(this.#options.now() / 1_000)
  }
}

function isSafe({ method }: SelectableRequest): boolean {
  return method === 'GET' || method === 'HEAD'
}
