import { isIPv6 } from 'node:net'
import type { ErrorCode } from '../../common/errors.ts'
import { isFieldValue } from './end-to-end-headers.ts'

/** What of a request head is checked; either lane can fill it. */
export interface RequestHead {
  readonly method: string
  /** As it stands in the request line. */
  readonly target: string
  readonly isHttp10: boolean
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
}

export type CheckedRequest =
  /** `path` is the target in origin-form (or `*`), `authority` what an absolute-form target named; null: see Host. */
  | { readonly path: string; readonly authority: string | null; readonly host: string | null }
  | { readonly error: ErrorCode }

/**
 * Checks what decides where a request goes and how long it is, so that the gateway and a worker cannot read it
 * differently: target (RFC 9112 3.2), Host (RFC 9110 7.2), transfer coding and expectation. Pure.
 */
export function checkRequest({ method, target, isHttp10, rawHeaders }: RequestHead): CheckedRequest {
  // TRACE would show a client what the gateway, or a cookie jar, has added (RFC 9110 9.3.8).
  if (method === 'CONNECT' || method === 'TRACE') return { error: 'NOT_IMPLEMENTED' }
  const hosts: string[] = []
  let codings: string | null = null
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const value = rawHeaders[index + 1] ?? ''
    if (!isFieldValue(value)) return { error: 'BAD_REQUEST' }
    if (name.length === 4 && name.toLowerCase() === 'host') hosts.push(value)
    if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      codings = codings === null ? value : `${codings},${value}`
    }
    if (name.length === 6 && name.toLowerCase() === 'expect' && !isHttp10) {
      if (value.toLowerCase() !== '100-continue') return { error: 'EXPECTATION_FAILED' }
    }
    if (name.length === 12 && method === 'OPTIONS' && name.toLowerCase() === 'max-forwards') {
      if (!/^[0-9]{1,9}$/.test(value)) return { error: 'BAD_REQUEST' }
    }
  }
  if (codings !== null) {
    if (isHttp10) return { error: 'BAD_REQUEST' } // RFC 9112 6.1: its framing cannot be trusted
    const error = codingError(codings)
    if (error !== null) return { error }
  }
  const [host = null] = hosts
  if (hosts.length > 1 || (host === null && !isHttp10)) return { error: 'BAD_HOST' }
  if (host !== null && !isAuthority(host)) return { error: 'BAD_HOST' }
  return checkTarget(method, target, host)
}

/** Whether it is `uri-host [ ":" port ]` (RFC 9110 7.2) with a host that is not empty, and nothing else. */
export function isAuthority(text: string): boolean {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|((?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+))(?::([0-9]{0,5}))?$/.exec(
    text,
  )
  if (match === null) return false
  const [, address, , port] = match
  return (address === undefined || isIPv6(address)) && Number(port ?? 0) <= 65535
}

/**
 * What is wrong with the transfer codings of a request; null: it is `chunked`, once, and nothing else. Where that is not the
 * last one, or stands there twice, nobody knows where the body ends (RFC 9112 6.3, 7.1). List elements that are empty may be
 * ignored, but nobody means well by them.
 */
function codingError(codings: string): ErrorCode | null {
  const list = codings.split(',').map((coding) => coding.trim().toLowerCase())
  if (list.at(-1) !== 'chunked' || list.indexOf('chunked') !== list.length - 1) return 'BAD_REQUEST'
  if (list.includes('')) return 'BAD_REQUEST'
  return list.length > 1 ? 'NOT_IMPLEMENTED' : null
}

function checkTarget(method: string, target: string, host: string | null): CheckedRequest {
  // Node's own parser lets some of these through; a worker may cut the target short at any of them.
  if (!/^[\x21\x22\x24-\x7e]+$/.test(target)) return { error: 'BAD_TARGET' }
  if (target.startsWith('/')) return { path: target, authority: null, host }
  if (target === '*') return method === 'OPTIONS' ? { path: '*', authority: null, host } : { error: 'BAD_TARGET' }
  const match = /^https?:\/\/([^/?]*)(.*)$/i.exec(target)
  if (match === null) return { error: 'BAD_TARGET' }
  const [, authority = '', rest = ''] = match
  if (!isAuthority(authority)) return { error: 'BAD_TARGET' }
  // RFC 9112 3.2.4: OPTIONS with neither path nor query means the server as a whole.
  if (rest === '') return { path: method === 'OPTIONS' ? '*' : '/', authority, host }
  return { path: rest.startsWith('/') ? rest : `/${rest}`, authority, host }
}
