import { COLON, CR, decimal, fieldBytes, HTAB, isBare, isNamed, isText, LF, SP, tokenBytes } from './bytes.ts'

/** As much as `node:http` takes. */
const headLimit = 16 * 1024

/** The head of a worker's answer, as positions in the bytes that were scanned. */
export interface ResponseHead {
  readonly status: number
  readonly reasonStart: number
  readonly reasonEnd: number
  /** Where the field lines begin. */
  readonly fieldsStart: number
  /** Behind the empty line. */
  end: number
  /** -1: none was given. */
  contentLength: number
  isChunked: boolean
  /** Whether the worker's connection may be used again. */
  persists: boolean
  /** Seconds that the worker keeps it, if it says so; else -1. */
  keepsFor: number
  hasDate: boolean
  /** Whether `Connection` names fields that are to be cut as well. */
  namesFields: boolean
  /** Whether a length or a coding is spaced so oddly that a reader might not see it: such a head is written anew. */
  isOddlySpaced: boolean
  /** Lines that do not go on as they are, or not always: `LineKind`, start and end in turn, in order. */
  readonly lines: number[]
}

/** Why a line may not go on. `cut`: it never does, being hop by hop or set by us. */
export const LineKind = { cut: 0, transferEncoding: 1, trailer: 2, contentLength: 3, servedVersion: 4 } as const

/**
 * Reads the head of an answer, as strictly as that of a request (RFC 9112 4 and 5), except that field values and reason may
 * hold obs-text, and the reason whatever is not CR or LF: it is not passed on if it has control characters. Pure.
 * @returns 'more' if the head is sound as far as it goes; 'bad' if it makes no sense, or can be read in two ways
 */
export function scanResponseHead(bytes: Uint8Array, start: number, end: number): ResponseHead | 'more' | 'bad' {
  const limit = Math.min(end, start + headLimit)
  const outOfBytes = limit < end || end - start >= headLimit ? 'bad' : 'more'
  const line = scanStatusLine(bytes, start, limit)
  if (line === 'bad') return 'bad'
  if (line === 'more') return outOfBytes
  const head = line
  let at = head.fieldsStart
  for (;;) {
    if (at >= limit) return outOfBytes
    const lineStart = at
    if (bytes[at] === CR) break
    while (at < limit && tokenBytes[bytes[at] as number] !== 0) at++
    if (at >= limit) return outOfBytes
    const nameLength = at - lineStart
    if (bytes[at] !== COLON || nameLength === 0) return 'bad'
    at++
    while (at < limit && (bytes[at] === SP || bytes[at] === HTAB)) at++
    const valueStart = at
    while (at < limit && fieldBytes[bytes[at] as number] !== 0) at++
    if (at >= limit) return outOfBytes
    if (bytes[at] !== CR) return 'bad'
    let valueEnd = at
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--
    if (at + 1 >= limit) return outOfBytes
    if (bytes[at + 1] !== LF) return 'bad'
    at += 2
    if (!takeField(head, bytes, lineStart, nameLength, valueStart, valueEnd, at)) return 'bad'
  }
  if (at + 1 >= limit) return outOfBytes
  if (bytes[at + 1] !== LF) return 'bad'
  head.end = at + 2
  if (head.isChunked && (head.contentLength !== -1 || !isHttp11(bytes, start))) return 'bad' // RFC 9112 6.1
  return head
}

/** `HTTP/1.1 200 OK` CRLF; the reason may be missing, and the version 1.0. */
function scanStatusLine(bytes: Uint8Array, start: number, end: number): ResponseHead | 'more' | 'bad' {
  const literal = 'HTTP/1.'
  for (let index = 0; index < literal.length; index++) {
    if (start + index >= end) return 'more'
    if (bytes[start + index] !== literal.charCodeAt(index)) return 'bad'
  }
  if (start + 13 >= end) return 'more'
  const minor = bytes[start + 7]
  if ((minor !== 0x31 && minor !== 0x30) || bytes[start + 8] !== SP) return 'bad'
  const status = decimal(bytes, start + 9, start + 12)
  if (status < 100) return 'bad' // with a leading zero it is -1
  let at = start + 12
  if (bytes[at] === SP) at++
  else if (bytes[at] !== CR) return 'bad'
  const reasonStart = at
  while (at < end && bytes[at] !== CR && bytes[at] !== LF) at++
  if (at + 1 >= end) return 'more'
  if (bytes[at] !== CR || bytes[at + 1] !== LF) return 'bad'
  return {
    status,
    reasonStart,
    reasonEnd: at,
    fieldsStart: at + 2,
    end: -1,
    contentLength: -1,
    isChunked: false,
    persists: minor === 0x31,
    keepsFor: -1,
    hasDate: false,
    namesFields: false,
    isOddlySpaced: false,
    lines: [],
  }
}

function isHttp11(bytes: Uint8Array, start: number): boolean {
  return bytes[start + 7] === 0x31
}

/** @returns false if the field makes the head ambiguous */
function takeField(
  head: ResponseHead,
  bytes: Uint8Array,
  start: number,
  length: number,
  valueStart: number,
  valueEnd: number,
  end: number,
): boolean {
  switch (length) {
    case 2:
      if (isNamed(bytes, start, 'te')) head.lines.push(LineKind.cut, start, end)
      return true
    case 4:
      if (isNamed(bytes, start, 'date')) head.hasDate = true
      return true
    case 7:
      if (isNamed(bytes, start, 'upgrade')) head.lines.push(LineKind.cut, start, end)
      else if (isNamed(bytes, start, 'trailer')) head.lines.push(LineKind.trailer, start, end)
      return true
    case 10:
      if (isNamed(bytes, start, 'connection')) {
        head.lines.push(LineKind.cut, start, end)
        if (isText(bytes, valueStart, valueEnd, 'close')) head.persists = false
        else if (!isText(bytes, valueStart, valueEnd, 'keep-alive')) {
          head.namesFields = true
          head.persists = false
        }
      } else if (isNamed(bytes, start, 'keep-alive')) {
        head.lines.push(LineKind.cut, start, end)
        head.keepsFor = keepAliveSeconds(bytes, valueStart, valueEnd)
      }
      return true
    case 12:
      if (isNamed(bytes, start, 'x-request-id')) head.lines.push(LineKind.cut, start, end)
      return true
    case 14:
      if (isNamed(bytes, start, 'content-length')) {
        if (head.contentLength !== -1) return false
        head.contentLength = decimal(bytes, valueStart, valueEnd)
        if (!isBare(bytes, valueStart, valueEnd, end)) head.isOddlySpaced = true
        head.lines.push(LineKind.contentLength, start, end)
        return head.contentLength !== -1
      }
      if (isNamed(bytes, start, 'http2-settings')) head.lines.push(LineKind.cut, start, end)
      return true
    case 16:
      if (isNamed(bytes, start, 'x-served-version')) head.lines.push(LineKind.servedVersion, start, end)
      else if (isNamed(bytes, start, 'proxy-connection')) head.lines.push(LineKind.cut, start, end)
      return true
    case 17:
      if (!isNamed(bytes, start, 'transfer-encoding')) return true
      if (head.isChunked || !isText(bytes, valueStart, valueEnd, 'chunked')) return false
      head.isChunked = true
      if (!isBare(bytes, valueStart, valueEnd, end)) head.isOddlySpaced = true
      head.lines.push(LineKind.transferEncoding, start, end)
      return true
    case 18:
      if (isNamed(bytes, start, 'proxy-authenticate')) head.lines.push(LineKind.cut, start, end)
      return true
    case 19:
      if (isNamed(bytes, start, 'proxy-authorization')) head.lines.push(LineKind.cut, start, end)
      return true
    default:
      return true
  }
}

/** The `timeout` of a `Keep-Alive` field; -1 if it does not say. */
function keepAliveSeconds(bytes: Uint8Array, start: number, end: number): number {
  const value = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
  const match = /(?:^|[\s,;])timeout=(\d{1,9})/i.exec(value)
  return match === null ? -1 : Number(match[1])
}
