import { forEachEndToEnd, trailerPairs } from './end-to-end-headers.ts'
import { addEarlier, isForwardingHeader, isOwnForwarding, nothingEarlier } from './forwarding.ts'
import type { ForwardingFields } from './forwarding-fields.ts'

const framing = new Set(['content-length', 'transfer-encoding'])
/** Methods whose requests mean nothing by a body, and need not say that they have none (RFC 9110 8.6). */
const bodiless = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'])

export interface WorkerRequestOptions {
  readonly method: string
  readonly rawHeaders: readonly string[]
  /** Those of the client's connection. */
  readonly forwarding: ForwardingFields
  /** Whether the peer's own forwarding headers are kept and added to. */
  readonly isPeerTrusted: boolean
  readonly requestId: string
  /** What `Host` has to be: the authority of an absolute-form target; null: as it came. */
  readonly authority: string | null
  readonly host: string | null
  readonly hasBody: boolean
  /** Whether the client frames the body in chunks; then so do we. */
  readonly isChunked: boolean
  readonly isHttp10: boolean
  /** The protocol that the client wants to change to, or null. */
  readonly upgrade: string | null
}

/**
 * The header lines of the request to a worker, names and values in turn: the client's own, end to end, their case, order and
 * repetitions kept; forwarding headers and the request id set.
 */
export function workerRequestLines(options: WorkerRequestOptions): string[] {
  const { authority, isChunked, isPeerTrusted } = options
  const lines: string[] = []
  let earlier: Map<string, string> | null = null
  let hasHost = false
  let hasLength = false
  forEachEndToEnd(options.rawHeaders, (name, value, lowerName) => {
    if (lowerName === 'x-request-id' || isDisguised(lowerName)) return
    if (lowerName === 'expect' && options.isHttp10) return // RFC 9110 10.1.1: not to be understood there
    if (lowerName === 'trailer' && !isChunked) return // nothing can follow such a body, and Node throws
    if (isForwardingHeader(lowerName)) {
      if (!isPeerTrusted) return
      // What a trusted peer says beyond those that are set below (X-Forwarded-Port, …) goes on as it is.
      if (isOwnForwarding(lowerName)) {
        earlier ??= new Map()
        addEarlier(earlier, lowerName, value)
        return
      }
    }
    if (lowerName === 'host') {
      hasHost = true
      lines.push(name, authority ?? value)
    } else if (lowerName === 'content-length') {
      hasLength = true
      // Some read a leading zero as octal, and the body as a shorter one.
      lines.push(name, value.replace(/^0+(?=[0-9])/, ''))
    } else lines.push(name, value)
  })
  if (authority !== null && !hasHost) lines.push('Host', authority)
  lines.push(...options.forwarding.of(authority ?? options.host, earlier ?? nothingEarlier))
  lines.push('X-Request-Id', options.requestId)
  if (isChunked) lines.push('Transfer-Encoding', 'chunked')
  else if (!options.hasBody && !hasLength && !bodiless.has(options.method)) lines.push('Content-Length', '0')
  if (options.upgrade !== null) lines.push('Connection', 'Upgrade', 'Upgrade', options.upgrade)
  return lines
}

/** The head of such a request, one character a byte. */
export function requestHead(method: string, path: string, lines: readonly string[]): string {
  let head = `${method} ${path} HTTP/1.1\r\n`
  for (let index = 0; index < lines.length; index += 2) head += `${lines[index]}: ${lines[index + 1]}\r\n`
  return `${head}\r\n`
}

/**
 * CGI, WSGI and their like read `X_Forwarded_For` as the same field: whoever writes it so means to be taken for us; and whoever writes
 * `Content_Length`, to have the message read in two ways.
 */
export function isDisguised(lowerName: string): boolean {
  if (!lowerName.includes('_')) return false
  const meant = lowerName.replaceAll('_', '-')
  return framing.has(meant) || meant === 'x-request-id' || isForwardingHeader(meant)
}

/** The trailers that go on to a worker: not those that a client may not set as headers either. */
export function requestTrailers(rawTrailers: readonly string[]): Array<[string, string]> {
  return trailerPairs(rawTrailers).filter(([name]) => {
    const lowerName = name.toLowerCase()
    return !isForwardingHeader(lowerName) && lowerName !== 'x-request-id' && !isDisguised(lowerName)
  })
}
