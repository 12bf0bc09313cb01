import { METHODS } from 'node:http'
import type { ErrorCode } from '../../../common/errors.ts'
import { isAuthority } from '../check-request.ts'
import { headerValues } from '../end-to-end-headers.ts'

/** A request's header section (RFC 9113 8.3.1) as the rest of the data plane knows requests. */
export interface Http2RequestHead {
  readonly method: string
  /** In origin-form, or `*`. */
  readonly path: string
  /** What `Host` is to be for a worker. */
  readonly host: string
  /** Names and values in turn, as they came, without pseudo-header fields and `Host`; crumbs of `Cookie` joined. */
  readonly fields: readonly string[]
  /** -1: none was given. */
  readonly contentLength: number
}

export type CheckedHead =
  | Http2RequestHead
  /** To be answered with this error. */
  | { readonly error: ErrorCode; readonly method: string; readonly path: string }
  /** Nothing that HTTP/2 allows: the stream is reset (RFC 9113 8.1.1). */
  | 'malformed'

const colon = 0x3a
/** What the other lanes know and pass on: TRACE would show what the gateway, or a cookie jar, has added (RFC 9110 9.3.8). */
const methods = new Set(METHODS.filter((method) => method !== 'TRACE'))
/** RFC 9113 8.2.1: a token in lower case. */
const wholeName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
/** RFC 9113 8.2.1: what may not be in a value, and white space at either end. */
const notInValue = /[^\t\x20-\x7e\x80-\xff]|^[\t ]|[\t ]$/
/** Fields that concern a connection have no place in HTTP/2 (RFC 9113 8.2.2). */
const ofConnections = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade'])

/**
 * Checks a request's header section as RFC 9113 8.2 and 8.3.1 demand, whatever the library has checked already: what a worker
 * gets is written as text, so nothing may be in it that would end a line or begin another request. Pure.
 * @param lines names and values in turn, one character a byte
 */
export function checkRequestHead(lines: readonly string[]): CheckedHead {
  const pseudo: Pseudo = {}
  const fields: string[] = []
  const hosts: string[] = []
  let cookies: string | null = null
  let length: string | null = null
  let expects: string | null = null
  for (let index = 0; index < lines.length; index += 2) {
    const name = lines[index] ?? ''
    const value = lines[index + 1] ?? ''
    if (notInValue.test(value)) return 'malformed'
    if (name.charCodeAt(0) === colon) {
      const key = name.slice(1)
      const isLate = fields.length > 0 || hosts.length > 0 || cookies !== null
      if (isLate || !isPseudo(key) || pseudo[key] !== undefined) return 'malformed'
      pseudo[key] = value
      continue
    }
    if (!wholeName.test(name) || ofConnections.has(name)) return 'malformed'
    if (name === 'te' && value.toLowerCase() !== 'trailers') return 'malformed'
    if (name === 'host') hosts.push(value)
    else if (name === 'cookie')
      cookies = cookies === null ? value : `${cookies}; ${value}` // RFC 9113 8.2.3
    else {
      if (name === 'content-length') {
        if (length !== null || !/^(?:0|[1-9][0-9]{0,14})$/.test(value)) return 'malformed'
        length = value
      } else if (name === 'expect') expects = value
      fields.push(name, value)
    }
  }
  if (cookies !== null) fields.push('cookie', cookies)
  const request = checkControlData(pseudo, hosts)
  if (request === 'malformed') return request
  const { method, path } = request
  if (request.error !== null) return { error: request.error, method, path }
  if (expects !== null && expects.toLowerCase() !== '100-continue') {
    return { error: 'EXPECTATION_FAILED', method, path }
  }
  if (method === 'OPTIONS' && headerValues(fields, 'max-forwards').some((value) => !/^[0-9]{1,9}$/.test(value))) {
    return { error: 'BAD_REQUEST', method, path }
  }
  return { method, path, host: request.host, fields, contentLength: length === null ? -1 : Number(length) }
}

type PseudoName = 'method' | 'scheme' | 'authority' | 'path'
type Pseudo = Partial<Record<PseudoName, string>>
type ControlData = Pick<Http2RequestHead, 'method' | 'path' | 'host'> & { readonly error: ErrorCode | null }

function checkControlData(
  { method, scheme, authority, path }: Pseudo,
  hosts: readonly string[],
): ControlData | 'malformed' {
  if (method === undefined || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method)) return 'malformed'
  const [host = authority, second] = hosts
  if (second !== undefined) return 'malformed'
  if (authority !== undefined && host?.toLowerCase() !== authority.toLowerCase()) return 'malformed'
  if (method === 'CONNECT') {
    if (authority === undefined || scheme !== undefined || path !== undefined) return 'malformed'
    return { method, path: authority, host: authority, error: 'NOT_IMPLEMENTED' }
  }
  if (scheme === undefined || path === undefined || path === '') return 'malformed'
  if (!/^[A-Za-z][A-Za-z0-9+.-]*$/.test(scheme)) return 'malformed'
  if (!path.startsWith('/') && !(path === '*' && method === 'OPTIONS')) return 'malformed'
  let error: ErrorCode | null = null
  if (!methods.has(method)) error = 'NOT_IMPLEMENTED'
  else if (!/^https?$/i.test(scheme)) error = 'BAD_REQUEST'
  else if (host === undefined || !isSaneHost(host)) error = 'BAD_HOST'
  // The same characters that the lanes of HTTP/1.1 let pass (check-request.ts).
  else if (!/^[\x21\x22\x24-\x7e]+$/.test(path)) error = 'BAD_TARGET'
  return { method, path, host: authority ?? host ?? '', error }
}

/** Most requests are for the same host as the one before. */
let lastSaneHost = ''

function isSaneHost(host: string): boolean {
  if (host === lastSaneHost && host !== '') return true
  if (!isAuthority(host)) return false
  lastSaneHost = host
  return true
}

function isPseudo(name: string): name is PseudoName {
  return name === 'method' || name === 'scheme' || name === 'authority' || name === 'path'
}
