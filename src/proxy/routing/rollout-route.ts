import { placeOf, saltOf } from './rollout-share.ts'
import type { SelectableRequest } from './selection.ts'

/** What of a rollout proxy processes need to know, as it crosses the channel. */
export interface RolloutData {
  /** The candidate. */
  readonly version: string
  /** Of the requests that name no version, from 0 to 1. */
  readonly share: number
  /** What tells one client from another: `address`, `cookie:<name>` or `header:<name>`. */
  readonly key: string
}

/** Decides which requests that name no version go to the candidate of a rollout. Immutable. */
export class RolloutRoute {
  readonly version: string
  readonly share: number
  readonly #salt: number
  readonly #kind: string
  readonly #name: string

  constructor({ version, share, key }: RolloutData) {
    this.version = version
    this.share = share
    this.#salt = saltOf(version)
    const colon = key.indexOf(':')
    this.#kind = colon === -1 ? key : key.slice(0, colon)
    const name = colon === -1 ? '' : key.slice(colon + 1)
    // Names of cookies are told apart by case (RFC 6265 5.3), those of headers are not.
    this.#name = this.#kind === 'header' ? name.toLowerCase() : name
  }

  takes(request: SelectableRequest): boolean {
    return placeOf(this.#keyOf(request), this.#salt) < this.share
  }

  /** A request without the cookie or the header is told by its address. */
  #keyOf(request: SelectableRequest): string {
    if (this.#kind === 'header') return request.header(this.#name)[0] || request.address
    if (this.#kind === 'cookie') return cookieOf(request.header('cookie'), this.#name) || request.address
    return request.address
  }
}

/** The value of a cookie (RFC 6265 4.2.1), the first where there are several; '' if there is none. */
function cookieOf(fields: readonly string[], name: string): string {
  for (const field of fields) {
    for (const pair of field.split(';')) {
      const equals = pair.indexOf('=')
      if (equals !== -1 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
    }
  }
  return ''
}
