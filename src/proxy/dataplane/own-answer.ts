import type { IncomingMessage } from 'node:http'
import { forwardsLeft } from './max-forwards.ts'
import { redirectLocation } from './redirect.ts'
import { Refusal } from './refusal.ts'

/**
 * The answer, without a body, to a request that no worker is asked about; null if one is.
 * @param redirect where the binding redirects to, or null
 * @param host what the request is for, or null
 * @throws Refusal BAD_HOST where it cannot be told where to
 */
export function ownAnswer(
  redirect: number | string | null,
  host: string | null,
  path: string,
  { method, rawHeaders }: Pick<IncomingMessage, 'method' | 'rawHeaders'>,
): { readonly status: number; readonly fields: readonly string[] } | null {
  if (redirect !== null) {
    const location = redirectLocation(redirect, host, path)
    if (location === null) throw new Refusal('BAD_HOST')
    return { status: 308, fields: ['Location', location, 'Content-Length', '0'] }
  }
  // RFC 9110 7.6.2: whoever must not forward it answers as if it were meant.
  return forwardsLeft(method, rawHeaders) === 0 ? { status: 204, fields: [] } : null
}
