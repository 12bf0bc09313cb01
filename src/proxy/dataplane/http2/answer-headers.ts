import type { OutgoingHttpHeaders } from 'node:http2'
import type { ResponseHead } from '../fast/scan-response-head.ts'
import type { Framing } from '../fast/splice-response-head.ts'
import { relayedHeaders } from '../relay-answer.ts'

/** Fields of which `node:http2` writes no second one: of a worker's several, the first goes on. */
const single = new Set([
  ...['access-control-allow-credentials', 'access-control-max-age', 'age', 'content-encoding', 'content-language'],
  ...['content-length', 'content-location', 'content-md5', 'content-range', 'content-type', 'date', 'dnt', 'etag'],
  ...['expires', 'from', 'host', 'last-modified', 'location', 'max-forwards', 'referer', 'retry-after', 'tk'],
  ...['access-control-request-method', 'authorization', 'if-match', 'if-modified-since', 'if-none-match', 'if-range'],
  ...['if-unmodified-since', 'proxy-authorization', 'range', 'upgrade-insecure-requests', 'user-agent'],
  ...['x-content-type-options'],
])

/**
 * The header section of a worker's answer for a client: end-to-end fields only, names in lower case (RFC 9113 8.2.1), ours in
 * place of the worker's own.
 * @param own names and values in turn
 */
export function answerHeaders(
  bytes: Buffer,
  head: ResponseHead,
  framing: Framing,
  own: readonly string[],
): OutgoingHttpHeaders {
  const lines = fieldLines(bytes.toString('latin1', head.fieldsStart, head.end - 2))
  const headers = newHeaders(head.status)
  addHeaders(headers, relayedHeaders(lines, head.status, own, framing === 'chunked'))
  return headers
}

/** An empty header section. @param status null: of trailers */
export function newHeaders(status: number | null): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = Object.create(null)
  if (status !== null) headers[':status'] = status
  return headers
}

/** @param lines names, in any case, and values in turn */
export function addHeaders(headers: OutgoingHttpHeaders, lines: readonly string[]): void {
  for (let index = 0; index < lines.length; index += 2) {
    const name = (lines[index] as string).toLowerCase()
    const value = lines[index + 1] as string
    const before = headers[name]
    if (before === undefined) headers[name] = value
    else if (Array.isArray(before)) before.push(value)
    else if (!single.has(name)) headers[name] = [String(before), value]
  }
}

/** Names and values in turn. @param text checked by `scanResponseHead` */
function fieldLines(text: string): string[] {
  const lines: string[] = []
  let start = 0
  while (start < text.length) {
    const end = text.indexOf('\r\n', start)
    const colon = text.indexOf(':', start)
    let from = colon + 1
    let to = end
    while (from < to && isBlank(text.charCodeAt(from))) from++
    while (to > from && isBlank(text.charCodeAt(to - 1))) to--
    lines.push(text.slice(start, colon), text.slice(from, to))
    start = end + 2
  }
  return lines
}

function isBlank(character: number): boolean {
  return character === 32 || character === 9
}
