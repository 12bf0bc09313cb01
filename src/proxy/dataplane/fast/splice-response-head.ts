import { withoutBlanks } from '../../routing/cookies.ts'
import { relayedHeaders } from '../relay-answer.ts'
import { fieldBytes } from './bytes.ts'
import { LineKind, type ResponseHead } from './scan-response-head.ts'

/** How the end of an answer's body is found (RFC 9112 6.3). */
export type Framing = 'none' | 'length' | 'chunked' | 'close'

/** @param isHead whether the request was HEAD */
export function framingOf(head: ResponseHead, isHead: boolean): Framing {
  if (isHead || head.status === 204 || head.status === 304) return 'none'
  if (head.isChunked) return 'chunked'
  return head.contentLength === -1 ? 'close' : 'length'
}

/**
 * The head for a client, one character a byte: the worker's lines as they came, without those that are cut, then ours.
 * @param own header lines, names and values in turn; they take the place of the worker's own
 */
export function spliceResponseHead(
  bytes: Buffer,
  head: ResponseHead,
  framing: Framing,
  own: readonly string[],
): string {
  const fields = bytes.toString('latin1', head.fieldsStart, head.end - 2)
  let text = statusLine(bytes, head)
  if (head.namesFields || head.isOddlySpaced) text += writtenAnew(fields, head, framing, own)
  else {
    text += linesOf(fields, head, framing, own.includes('X-Served-Version'))
    for (let index = 0; index < own.length; index += 2) text += `${own[index]}: ${own[index + 1]}\r\n`
  }
  if (framing === 'close') text += 'Transfer-Encoding: chunked\r\n'
  if (!head.hasDate) text += `Date: ${httpDate()}\r\n` // RFC 9110 6.6.1
  return `${text}\r\n`
}

/** An interim answer (1xx) for the client. */
export function spliceInformation(bytes: Buffer, head: ResponseHead): string {
  const fields = bytes.toString('latin1', head.fieldsStart, head.end - 2)
  return `${statusLine(bytes, head)}${writtenAnew(fields, head, 'none', [])}\r\n`
}

/** Without a reason that has control characters, as the general lane does it. */
function statusLine(bytes: Buffer, { status, reasonStart, reasonEnd }: ResponseHead): string {
  if (
    status === 200 &&
    reasonEnd - reasonStart === 2 &&
    bytes[reasonStart] === 0x4f &&
    bytes[reasonStart + 1] === 0x4b
  ) {
    return 'HTTP/1.1 200 OK\r\n'
  }
  for (let index = reasonStart; index < reasonEnd; index++) {
    if (fieldBytes[bytes[index] as number] === 0) return `HTTP/1.1 ${status} \r\n`
  }
  return `HTTP/1.1 ${status} ${bytes.toString('latin1', reasonStart, reasonEnd)}\r\n`
}

function linesOf(fields: string, head: ResponseHead, framing: Framing, replacesServedVersion: boolean): string {
  const { lines, fieldsStart } = head
  let from = 0
  let text = ''
  for (let index = 0; index < lines.length; index += 3) {
    if (goesOn(lines[index] as number, head.status, framing, replacesServedVersion)) continue
    text += fields.slice(from, (lines[index + 1] as number) - fieldsStart)
    from = (lines[index + 2] as number) - fieldsStart
  }
  return text + fields.slice(from)
}

function goesOn(kind: number, status: number, framing: Framing, replacesServedVersion: boolean): boolean {
  switch (kind) {
    case LineKind.transferEncoding:
      return framing === 'chunked'
    case LineKind.trailer:
      return framing === 'chunked'
    case LineKind.contentLength:
      return status !== 204 // RFC 9110 8.6
    case LineKind.servedVersion:
      return !replacesServedVersion
    default:
      return false
  }
}

/** The rare case in which `Connection` names fields that are to be cut too, or the framing is spaced oddly: as the general lane does it. */
function writtenAnew(fields: string, head: ResponseHead, framing: Framing, own: readonly string[]): string {
  const rawHeaders: string[] = []
  for (const line of fields.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) rawHeaders.push(line.slice(0, colon), withoutBlanks(line.slice(colon + 1)))
  }
  const headers = relayedHeaders(rawHeaders, head.status, own, framing === 'chunked')
  let text = framing === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : ''
  for (let index = 0; index < headers.length; index += 2) text += `${headers[index]}: ${headers[index + 1]}\r\n`
  return text
}

const clock = { second: 0, text: '' }

function httpDate(): string {
  const second = Math.floor(Date.now() / 1_000)
  if (second !== clock.second) {
    clock.second = second
    clock.text = new Date(second * 1_000).toUTCString()
  }
  return clock.text
}
