import type { IncomingMessage } from 'node:http'
import type { DataplaneSettings } from '../messages.ts'
import { forwardsLeft } from './max-forwards.ts'
import { redirectLocation } from './redirect.ts'
import { Refusal } from './refusal.ts'

/** An answer of the gateway to a request that no worker is asked about. */
export interface OwnAnswer {
  readonly status: number
  /** Names and values in turn. */
  readonly fields: readonly string[]
  /** Left out of the answer to HEAD. */
  readonly body: string
}

export interface OwnRequest extends Pick<IncomingMessage, 'method' | 'rawHeaders'> {
  /** What the request is for, or null. */
  readonly host: string | null
  readonly path: string
}

/**
 * The answer to a request that no worker is asked about; null if one is.
 * @param isReady whether the gateway can serve: asked only by those who want to know that
 * @throws Refusal BAD_HOST where it cannot be told where to redirect to
 */
export function ownAnswer(
  { binding: { redirect }, healthPath }: Pick<DataplaneSettings, 'binding' | 'healthPath'>,
  { method, rawHeaders, host, path }: OwnRequest,
  isReady: () => boolean,
): OwnAnswer | null {
  if (isHealthPath(path, healthPath) && (method === 'GET' || method === 'HEAD')) return healthAnswer(isReady())
  if (redirect !== null) {
    const location = redirectLocation(redirect, host, path)
    if (location === null) throw new Refusal('BAD_HOST')
    return { status: 308, fields: ['Location', location, 'Content-Length', '0'], body: '' }
  }
  // RFC 9110 7.6.2: whoever must not forward it answers as if it were meant.
  return forwardsLeft(method, rawHeaders) === 0 ? { status: 204, fields: [], body: '' } : null
}

/** Whether a request target has the path of health checks, whatever its query. @param healthPath null: there is none */
export function isHealthPath(target: string, healthPath: string | null): boolean {
  if (healthPath === null || !target.startsWith(healthPath)) return false
  return target.length === healthPath.length || target[healthPath.length] === '?'
}

function healthAnswer(isReady: boolean): OwnAnswer {
  const body = `${JSON.stringify({ status: isReady ? 'ready' : 'not ready' })}\n`
  const fields = [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(body.length),
    'Cache-Control',
    'no-store',
  ]
  return { status: isReady ? 200 : 503, fields, body }
}
