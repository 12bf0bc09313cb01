import { forEachEndToEnd, trailerPairs } from './end-to-end-headers.ts'
import { addEarlier, forwardingHeaders, isForwardingHeader, isOwnForwarding } from './forwarding.ts'
import type { Peer } from './peer.ts'

const framing = new Set(['content-length', 'transfer-encoding'])

export interface WorkerRequestOptions {
  readonly rawHeaders: readonly string[]
  readonly peer: Peer
  /** Whether the peer's own forwarding headers are kept and added to. */
  readonly isPeerTrusted: boolean
  readonly requestId: string
  /** What `Host` has to be: the authority of an absolute-form target; null: as it came. */
  readonly authority: string | null
  readonly host: string | null
  /** Whether the client frames the body in chunks; then so do we. */
  readonly isChunked: boolean
  readonly isHttp10: boolean
  /** The protocol that the client wants to change to, or null. */
  readonly upgrade: string | null
}

/** A header field with all its values, under the name as it was first written. */
export type Header = readonly [name: string, values: string[]]

/**
 * The header fields of the request to a worker: the client's own, end to end, their case, order and repetitions kept;
 * forwarding headers and the request id set.
 */
export function workerRequestHeaders(options: WorkerRequestOptions): Header[] {
  const headers = new Map<string, Header>()
  const earlier = new Map<string, string>()
  const add = (name: string, value: string, lowerName = name.toLowerCase()): void => {
    const header = headers.get(lowerName)
    if (header === undefined) headers.set(lowerName, [name, [value]])
    else header[1].push(value)
  }
  forEachEndToEnd(options.rawHeaders, (name, value, lowerName) => {
    if (lowerName === 'x-request-id' || isDisguised(lowerName)) return
    if (lowerName === 'expect' && options.isHttp10) return // RFC 9110 10.1.1: not to be understood there
    if (lowerName === 'trailer' && !options.isChunked) return // nothing can follow such a body, and Node throws
    if (isForwardingHeader(lowerName)) {
      if (!options.isPeerTrusted) return
      // What a trusted peer says beyond those that are set below (X-Forwarded-Port, …) goes on as it is.
      if (isOwnForwarding(lowerName)) addEarlier(earlier, lowerName, value)
      else add(name, value, lowerName)
      return
    }
    if (lowerName === 'host' && options.authority !== null) add(name, options.authority, lowerName)
    // Some read a leading zero as octal, and the body as a shorter one.
    else if (lowerName === 'content-length') add(name, value.replace(/^0+(?=[0-9])/, ''), lowerName)
    else add(name, value, lowerName)
  })
  if (options.authority !== null && !headers.has('host')) add('Host', options.authority)
  for (const [name, value] of forwardingHeaders(options.peer, options.authority ?? options.host, earlier)) {
    add(name, value)
  }
  add('X-Request-Id', options.requestId)
  if (options.isChunked) add('Transfer-Encoding', 'chunked')
  if (options.upgrade !== null) {
    add('Connection', 'Upgrade')
    add('Upgrade', options.upgrade)
  }
  return [...headers.values()]
}

/** The head of such a request, one character a byte. */
export function requestHead(method: string, path: string, headers: readonly Header[]): string {
  const lines = headers.flatMap(([name, values]) => values.map((value) => `${name}: ${value}\r\n`))
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
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
