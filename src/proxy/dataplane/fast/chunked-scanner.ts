import { withoutBlanks } from '../../routing/cookies.ts'
import { fieldBytes, tokenBytes } from './bytes.ts'
import type { Sink } from './outlet.ts'
import type { ReadMemory } from './read-memory.ts'

/** Longest size line, extensions included, and longest trailer section. */
const lineLimit = 1024
const trailerLimit = 8 * 1024

/** No space around anything, though RFC 9112 7.1.1 knows it: nor does `node:http`. */
const wholeLine =
  /^([0-9A-Fa-f]{1,16})(?:;[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"[\t\x20\x21\x23-\x5b\x5d-\x7e]*"))?)*\r\n$/

/** A length behind the body that it would be the length of (RFC 9110 6.5.1): whoever takes it for one reads another body. */
const statesLength = /^(?:content-length|transfer-encoding)$/i

type State = 'size' | 'data' | 'data-cr' | 'data-lf' | 'trailers' | 'done' | 'odd' | 'large'

/**
 * Follows a chunked body (RFC 9112 7.1) to its end, and passes it on:
 *
 *     chunk       = 1*HEXDIG *extension CRLF data CRLF
 *     last-chunk  = 1*"0" *extension CRLF *( field-line CRLF ) CRLF
 *     extension   = ";" token [ "=" ( token / quoted-string without escapes ) ]
 *
 * Chunks go on as they are where a line came in one piece and says nothing but a size; otherwise the line is written anew, so
 * that no extension and no byte in doubt ever goes on. Nothing of the last chunk does: the caller writes it, with `trailers`.
 */
export class ChunkedScanner {
  /** Bytes of data that the body may still have. */
  #allowed: number
  #state: State = 'size'
  /** Bytes of data that are left in this chunk. */
  #left = 0
  /** The part of a line, or of the trailer section, that has come so far. */
  #held = ''
  #trailers: string[] = []
  #trailerSize = 0
  readonly #keepsFraming: boolean

  /**
   * @param limit bytes of data that it may have
   * @param keepsFraming whether the chunks go on as chunks, or nothing but what is in them
   */
  constructor(limit = Number.POSITIVE_INFINITY, keepsFraming = true) {
    this.#allowed = limit
    this.#keepsFraming = keepsFraming
  }

  get isDone(): boolean {
    return this.#state === 'done'
  }

  /** Whether the bytes are not what they should be: nothing of them makes sense any more. */
  get isOdd(): boolean {
    return this.#state === 'odd'
  }

  /** Whether it has more data than it may have: nothing of it is passed on any more. */
  get isTooLong(): boolean {
    return this.#state === 'large'
  }

  /** Once done: names and values in turn. */
  get trailers(): readonly string[] {
    return this.#trailers
  }

  /**
   * Takes what has come, and puts what goes on into the outlet.
   * @returns the position behind what belongs to the body
   */
  scan(buffer: Buffer, start: number, end: number, outlet: Sink, memory: ReadMemory | null): number {
    let at = start
    /** From here on everything goes on as it is. */
    let from = start
    while (at < end) {
      if (this.#state === 'data') {
        const taken = Math.min(this.#left, end - at)
        at += taken
        this.#left -= taken
        if (!this.#keepsFraming) {
          outlet.bytes(buffer, from, at, memory)
          from = at
        }
        if (this.#left === 0) this.#state = 'data-cr'
      } else if (this.#state === 'data-cr') {
        this.#state = buffer[at++] === 13 ? 'data-lf' : 'odd'
        if (!this.#keepsFraming) from = at
      } else if (this.#state === 'data-lf') {
        this.#state = buffer[at++] === 10 ? 'size' : 'odd'
        if (!this.#keepsFraming) from = at
      } else if (this.#state === 'size') {
        const lineStart = at
        const lineEnd = buffer.indexOf(10, at)
        at = lineEnd === -1 || lineEnd >= end ? end : lineEnd + 1
        const isWhole = at > lineStart && buffer[at - 1] === 10
        const wasHeld = this.#held !== ''
        const line = this.#held + buffer.toString('latin1', lineStart, at)
        const size = isWhole ? sizeOf(line) : null
        if (!this.#keepsFraming || size === null || size === 0 || wasHeld || line.includes(';')) {
          outlet.bytes(buffer, from, lineStart, memory)
          from = at
        }
        this.#held = ''
        if (!isWhole) {
          this.#held = line
          if (!isBeginningOfLine(line)) this.#state = 'odd'
        } else if (size === null) this.#state = 'odd'
        else if (size === 0) this.#state = 'trailers'
        else if (size > this.#allowed) this.#state = 'large'
        else {
          if (from === at && this.#keepsFraming) outlet.text(`${size.toString(16)}\r\n`)
          this.#left = size
          this.#allowed -= size
          this.#state = 'data'
        }
      } else if (this.#state === 'trailers') {
        at = this.#scanTrailers(buffer, at, end)
        from = at
      } else break
    }
    if (this.#state === 'odd' || this.#state === 'large') return at
    outlet.bytes(buffer, from, at, memory)
    return at
  }

  /** Line by line: each is held until it is whole. */
  #scanTrailers(buffer: Buffer, start: number, end: number): number {
    const newline = buffer.indexOf(10, start)
    const isWhole = newline !== -1 && newline < end
    const at = isWhole ? newline + 1 : end
    const line = this.#held + buffer.toString('latin1', start, at)
    this.#held = isWhole ? '' : line
    this.#trailerSize += at - start
    if (this.#trailerSize > trailerLimit) this.#state = 'odd'
    else if (!isWhole) {
      if (line !== '\r' && tokenBytes[line.charCodeAt(0)] === 0) this.#state = 'odd'
    } else if (line === '\r\n') this.#state = 'done'
    else {
      const field = fieldOf(line)
      if (field === null || statesLength.test(field[0])) this.#state = 'odd'
      else this.#trailers.push(...field)
    }
    return at
  }
}

/** The size that a whole line states; null if it is none. */
function sizeOf(line: string): number | null {
  const match = line.length > lineLimit ? null : wholeLine.exec(line)
  if (match === null) return null
  const size = Number.parseInt(match[1] ?? '', 16)
  return Number.isSafeInteger(size) ? size : null
}

function isBeginningOfLine(line: string): boolean {
  return line.length <= lineLimit && /^[0-9A-Fa-f]{1,16}(?:;[\t\x20-\x7e]*)?\r?$/.test(line)
}

function fieldOf(line: string): [string, string] | null {
  const colon = line.indexOf(':')
  if (colon < 1 || !line.endsWith('\r\n')) return null
  for (let index = 0; index < colon; index++) if (tokenBytes[line.charCodeAt(index)] === 0) return null
  for (let index = colon + 1; index < line.length - 2; index++)
    if (fieldBytes[line.charCodeAt(index)] === 0) return null
  return [line.slice(0, colon), withoutBlanks(line.slice(colon + 1, -2))]
}
