import { cookieValues } from '../cookies.ts'
import type { SelectableRequest, SelectedBy } from '../selection.ts'
import { isDocument } from './is-document.ts'
import { type Pin, PinSeal } from './pin.ts'

export interface SkewSettings {
  /** Name of the cookie that holds a client's pin. */
  readonly cookie: string
  /** For how long after it was loaded a page goes on talking to its version, in seconds. */
  readonly maxAge: number
  /** What pins are signed with, in Base64. */
  readonly key: string
  /** Whether clients come by HTTPS, so that the cookie is for that alone. */
  readonly isSecure: boolean
}

/** What of the route table matters to pins. */
export interface PinnableVersions {
  /** Whether the catalog has it. */
  has(version: string): boolean
  /** Versions that were live and are not kept for their pages any more. */
  readonly lapsed: ReadonlySet<string>
}

export interface PinnedVersion {
  readonly version: string
  readonly by: SelectedBy
}

/** The version that a client is pinned to cannot be had any more. */
export interface LostPin {
  readonly lost: string
}

/** A pin is renewed by the next page when this part of its time has passed. */
const renewAfter = 1 / 4

/**
 * Skew protection: a page goes on talking to the version that it was loaded from. A page goes to the version that anybody
 * would get, and is pinned to it by a cookie; what it loads and fetches follows the pin. A client that says itself which
 * version it was built as is believed before its cookie: `x-deployment-id`, `?dpl=` (as Next.js sends them).
 */
export class SkewPolicy {
  readonly #settings: SkewSettings
  readonly #seal: PinSeal

  constructor(settings: SkewSettings) {
    this.#settings = settings
    this.#seal = new PinSeal(Buffer.from(settings.key, 'base64'))
  }

  /**
   * The version that the request must go to.
   * @param now seconds since the epoch
   * @returns null: whichever anybody would get
   */
  choose(request: SelectableRequest, versions: PinnableVersions, now: number): PinnedVersion | LostPin | null {
    const header = onlyOne(request.header('x-deployment-id'))
    if (header !== null && versions.has(header)) return { version: header, by: 'header' }
    const query = onlyOne(deploymentIds(request.target))
    if (query !== null && versions.has(query)) return { version: query, by: 'query' }
    // A form goes to the version that has written it: pinned, although a page is its answer.
    if (isDocument(request) && isSafe(request)) return null
    const pin = this.#pinOf(request)
    if (pin === null) return null
    const { version, since } = pin
    const isKept = versions.has(version) && !versions.lapsed.has(version) && now - since < this.#settings.maxAge
    return isKept ? { version, by: 'sticky' } : { lost: version }
  }

  /**
   * The value of `Set-Cookie` for the answer of this version; null: none.
   * @param now seconds since the epoch
   */
  pin(request: SelectableRequest, { version, by }: PinnedVersion, now: number): string | null {
    if (by === 'header' || !isDocument(request)) return null
    const { cookie, maxAge, isSecure } = this.#settings
    const pin = this.#pinOf(request)
    if (pin?.version === version && now - pin.since < maxAge * renewAfter) return null
    const value = this.#seal.seal({ version, since: now })
    return `${cookie}=${value}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
  }

  #pinOf(request: SelectableRequest): Pin | null {
    for (const value of cookieValues(request.header('cookie'), this.#settings.cookie)) {
      const pin = this.#seal.open(value)
      if (pin !== null) return pin
    }
    return null
  }
}

function deploymentIds(target: string): string[] {
  const start = target.indexOf('?')
  if (start === -1 || !target.includes('dpl=', start)) return []
  return new URLSearchParams(target.slice(start + 1)).getAll('dpl')
}

function onlyOne(values: readonly string[]): string | null {
  return values.length === 1 ? (values[0] ?? null) : null
}

function isSafe({ method }: SelectableRequest): boolean {
  return method === 'GET' || method === 'HEAD'
}
