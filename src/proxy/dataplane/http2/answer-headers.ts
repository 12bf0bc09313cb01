import type { OutgoingHttpHeaders } from 'node:http2'
import { LineKind, type ResponseHead } from '../fast/scan-response-head.ts'
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

/** An object that inherits nothing, so that any name is free, and that V8 keeps in its fast form. */
const HeaderSection = function HeaderSection() {} as unknown as {
  new (): OutgoingHttpHeaders
  prototype: object | null
}
HeaderSection.prototype = Object.create(null)

/** An empty header section. @param status null: of trailers */
export function newHeaders(status: number | null): OutgoingHttpHeaders {
  const headers = new HeaderSection()
  if (status !== null) headers[':status'] = status
  return headers
}

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
  const text = bytes.toString('latin1', head.fieldsStart, head.end - 2)
  const headers = newHeaders(head.status)
  if (head.namesFields) addHeaders(headers, relayedHeaders(linesOf(text), head.status, own, framing === 'chunked'))
  else {
    addLines(headers, text, head, framing, own)
    addHeaders(headers, own)
  }
  return headers
}

/** @param lines names, in any case, and values in turn */
export function addHeaders(headers: OutgoingHttpHeaders, lines: readonly string[]): void {
  for (let index = 0; index < lines.length; index += 2) {
    add(headers, lines[index] as string, lines[index + 1] as string)
  }
}

function add(headers: OutgoingHttpHeaders, anyName: string, value: string): void {
  const name = anyName.toLowerCase()
  const before = headers[name]
  if (before === undefined) headers[name] = value
  else if (Array.isArray(before)) before.push(value)
  else if (!single.has(name)) headers[name] = [String(before), value]
}

/** Those that go on, as the scanner has marked them. @param text the field lines, checked */
function addLines(
  headers: OutgoingHttpHeaders,
  text: string,
  { lines, fieldsStart, status }: ResponseHead,
  framing: Framing,
  own: readonly string[],
): void {
  let mark = 0
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\r\n', start)
    let isCut = false
    if (mark < lines.length && lines[mark + 1] === start + fieldsStart) {
      isCut = !goesOn(lines[mark] as number, status, framing, own)
      mark += 3
    }
    if (!isCut) {
      const colon = text.indexOf(':', start)
      add(headers, text.slice(start, colon), valueIn(text, colon + 1, end))
    }
    start = end + 2
  }
}

function goesOn(kind: number, status: number, framing: Framing, own: readonly string[]): boolean {
  if (kind === LineKind.contentLength) return status !== 204 && status >= 200 // RFC 9110 8.6
  if (kind === LineKind.trailer) return framing === 'chunked'
  return kind === LineKind.servedVersion && !own.includes('X-Served-Version')
}

/** Names and values in turn. @param text the field lines, checked */
function linesOf(text: string): string[] {
  const lines: string[] = []
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\r\n', start)
    const colon = text.indexOf(':', start)
    lines.push(text.slice(start, colon), valueIn(text, colon + 1, end))
    start = end + 2
  }
  return lines
}

/** Without the white space around it. Not `trim`: to that, the last byte of a name like Voilà in UTF-8 is white space. */
function valueIn(text: string, start: number, end: number): string {
  let from = start
  let to = end
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isBlank(character: number): boolean {
  return character === 32 || character === 9
}
