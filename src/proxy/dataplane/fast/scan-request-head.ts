import { isDisguised } from '../worker-request.ts'
import {
  COLON,
  CR,
  decimal,
  HTAB,
  isBare,
  isNamed,
  isText,
  LF,
  SP,
  targetBytes,
  tokenBytes,
  visibleBytes,
} from './bytes.ts'

/**
 * A head that the fast lane is certain of, as positions in the bytes that were scanned. A position of -1 means that
 * there is no such field.
 */
export interface RequestHead {
  readonly method: Method
  readonly start: number
  readonly targetEnd: number
  /** Behind the empty line. */
  end: number
  hostStart: number
  hostEnd: number
  versionStart: number
  versionEnd: number
  requestIdStart: number
  requestIdEnd: number
  /** -1: none was given. */
  contentLength: number
  isChunked: boolean
  /** Whether the client wants the connection closed after the answer. */
  closes: boolean
  /** Lines that do not go on to a worker: start and end in turn, in order; null: all go on. */
  cuts: number[] | null
}

const methods = ['GET', 'POST', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
export type Method = (typeof methods)[number]

/**
 * Reads the head of a request, if there is no doubt about it. The grammar is a subset of RFC 9112:
 *
 *     head         = request-line *field-line CRLF
 *     request-line = method SP origin-form SP "HTTP/1.1" CRLF               ; 3
 *     field-line   = token ":" OWS *( HTAB / SP / VCHAR ) OWS CRLF          ; 5, without obs-fold (5.2) and obs-text
 *
 * with exactly one Host (3.2); one Content-Length of digits, or one Transfer-Encoding that says `chunked`, or neither (6.1,
 * 6.2); Connection `close` or `keep-alive` (9.6); and nothing that needs more than passing on bytes: no Upgrade, Expect,
 * Trailer, TE, Max-Forwards, HTTP2-Settings or Proxy-*. Whether Host is an authority is left to the caller. Pure.
 * @param versionHeader lower case
 * @param headLimit bytes; a longer head goes to the general lane, which refuses it or not
 * @returns 'more' if the head is sound as far as it goes; 'decline' if it is for the general lane
 */
export function scanRequestHead(
  bytes: Uint8Array,
  start: number,
  end: number,
  versionHeader: string,
  headLimit = 16 * 1024,
): RequestHead | 'more' | 'decline' {
  const limit = Math.min(end, start + headLimit)
  const outOfBytes = limit < end ? 'decline' : 'more'
  const method = scanMethod(bytes, start, limit)
  if (method === 'more' || method === 'decline') return method
  const targetStart = start + method.length + 1
  if (targetStart >= limit) return outOfBytes
  if (bytes[targetStart] !== 0x2f) return 'decline'
  let at = targetStart
  while (at < limit && targetBytes[bytes[at] as number] !== 0) at++
  const targetEnd = at
  const version = scanLiteral(bytes, at, limit, ' HTTP/1.1\r\n')
  if (version !== 'found') return version === 'more' ? outOfBytes : 'decline'
  at += 11
  const head: RequestHead = {
    method,
    start,
    targetEnd,
    end: -1,
    hostStart: -1,
    hostEnd: -1,
    versionStart: -1,
    versionEnd: -1,
    requestIdStart: -1,
    requestIdEnd: -1,
    contentLength: -1,
    isChunked: false,
    closes: false,
    cuts: null,
  }
  let hasConnection = false
  for (;;) {
    if (at >= limit) return outOfBytes
    const lineStart = at
    if (bytes[at] === CR) break
    while (at < limit && tokenBytes[bytes[at] as number] !== 0) at++
    if (at >= limit) return outOfBytes
    const nameLength = at - lineStart
    if (bytes[at] !== COLON || nameLength === 0) return 'decline'
    at++
    while (at < limit && (bytes[at] === SP || bytes[at] === HTAB)) at++
    const valueStart = at
    while (at < limit && visibleBytes[bytes[at] as number] !== 0) at++
    if (at >= limit) return outOfBytes
    if (bytes[at] !== CR) return 'decline'
    let valueEnd = at
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--
    if (at + 1 >= limit) return outOfBytes
    if (bytes[at + 1] !== LF) return 'decline'
    at += 2

    if (nameLength === versionHeader.length && isNamed(bytes, lineStart, versionHeader)) {
      if (head.versionStart !== -1) return 'decline'
      head.versionStart = valueStart
      head.versionEnd = valueEnd
    }
    switch (fieldKind(bytes, lineStart, nameLength)) {
      case 'plain':
        break
      case 'cut':
        cut(head, lineStart, at)
        break
      case 'decline':
        return 'decline'
      case 'host':
        if (head.hostStart !== -1) return 'decline'
        head.hostStart = valueStart
        head.hostEnd = valueEnd
        break
      case 'connection':
        if (hasConnection) return 'decline'
        hasConnection = true
        head.closes = isText(bytes, valueStart, valueEnd, 'close')
        if (!head.closes && !isText(bytes, valueStart, valueEnd, 'keep-alive')) return 'decline'
        cut(head, lineStart, at)
        break
      case 'x-request-id':
        if (head.requestIdStart !== -1) return 'decline'
        head.requestIdStart = valueStart
        head.requestIdEnd = valueEnd
        cut(head, lineStart, at)
        break
      case 'content-length':
        if (head.contentLength !== -1) return 'decline'
        head.contentLength = decimal(bytes, valueStart, valueEnd)
        // Spaced oddly: the other lane writes the field anew.
        if (head.contentLength === -1 || !isBare(bytes, valueStart, valueEnd, at)) return 'decline'
        break
      case 'transfer-encoding':
        // Whoever compares it with case and all must not miss it: the other lane writes it in small letters.
        if (head.isChunked || valueEnd - valueStart !== 7) return 'decline'
        if (scanLiteral(bytes, valueStart, valueEnd, 'chunked') !== 'found') return 'decline'
        if (!isBare(bytes, valueStart, valueEnd, at)) return 'decline'
        head.isChunked = true
        break
    }
  }
  if (at + 1 >= limit) return outOfBytes
  if (bytes[at + 1] !== LF) return 'decline'
  head.end = at + 2
  if (head.hostStart === -1 || (head.isChunked && head.contentLength !== -1)) return 'decline'
  return head
}

function scanMethod(bytes: Uint8Array, start: number, end: number): Method | 'more' | 'decline' {
  for (const method of methods) {
    let index = 0
    while (index < method.length && start + index < end && bytes[start + index] === method.charCodeAt(index)) index++
    if (start + index >= end) return 'more'
    if (index === method.length && bytes[start + index] === SP) return method
  }
  return 'decline'
}

function scanLiteral(bytes: Uint8Array, start: number, end: number, text: string): 'found' | 'more' | 'other' {
  for (let index = 0; index < text.length; index++) {
    if (start + index >= end) return 'more'
    if (bytes[start + index] !== text.charCodeAt(index)) return 'other'
  }
  return 'found'
}

type FieldKind =
  | 'plain'
  | 'cut'
  | 'decline'
  | 'host'
  | 'connection'
  | 'x-request-id'
  | 'content-length'
  | 'transfer-encoding'

/** What is to be done with a field. Most names are told apart by their length alone. */
function fieldKind(bytes: Uint8Array, start: number, length: number): FieldKind {
  switch (length) {
    case 2:
      return isNamed(bytes, start, 'te') ? 'decline' : 'plain'
    case 4:
      return isNamed(bytes, start, 'host') ? 'host' : 'plain'
    case 6:
      return isNamed(bytes, start, 'expect') ? 'decline' : 'plain'
    case 7:
      return isNamed(bytes, start, 'upgrade') || isNamed(bytes, start, 'trailer') ? 'decline' : 'plain'
    case 9:
      if (isNamed(bytes, start, 'forwarded')) return 'cut'
      break
    case 10:
      if (isNamed(bytes, start, 'connection')) return 'connection'
      if (isNamed(bytes, start, 'keep-alive')) return 'cut'
      break
    case 12:
      if (isNamed(bytes, start, 'x-request-id')) return 'x-request-id'
      if (isNamed(bytes, start, 'max-forwards')) return 'decline'
      break
    case 14:
      if (isNamed(bytes, start, 'content-length')) return 'content-length'
      if (isNamed(bytes, start, 'content_length')) return 'cut' // see `isDisguised`
      if (isNamed(bytes, start, 'http2-settings')) return 'decline'
      break
    case 17:
      if (isNamed(bytes, start, 'transfer-encoding')) return 'transfer-encoding'
      if (isNamed(bytes, start, 'transfer_encoding')) return 'cut'
  }
  // Only the two initials below are worth a closer look.
  const initial = tokenBytes[bytes[start] as number]
  if (initial === 0x70 && length > 6 && isNamed(bytes, start, 'proxy-')) return 'decline'
  if (initial !== 0x78 && initial !== 0x66) return 'plain'
  if (length >= 12 && isNamed(bytes, start, 'x-forwarded-')) return 'cut'
  return isDisguised(lowerName(bytes, start, length)) ? 'cut' : 'plain'
}

function lowerName(bytes: Uint8Array, start: number, length: number): string {
  let name = ''
  for (let index = start; index < start + length; index++)
    name += String.fromCharCode(tokenBytes[bytes[index] as number] as number)
  return name
}

function cut(head: RequestHead, start: number, end: number): void {
  if (head.cuts === null) head.cuts = [start, end]
  else if (head.cuts.at(-1) === start) head.cuts[head.cuts.length - 1] = end
  else head.cuts.push(start, end)
}
