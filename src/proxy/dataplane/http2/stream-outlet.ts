import type { OutgoingHttpHeaders, ServerHttp2Stream, ServerStreamResponseOptions } from 'node:http2'
import type { Answer } from '../answer.ts'
import { trailerPairs } from '../end-to-end-headers.ts'
import type { AnswerOutlet } from '../fast/answer-outlet.ts'
import { type Body, MeasuredBody } from '../fast/body.ts'
import type { FastRequest } from '../fast/fast-request.ts'
import type { ReadMemory } from '../fast/read-memory.ts'
import { refusalAnswer } from '../fast/refusal-message.ts'
import type { ResponseHead } from '../fast/scan-response-head.ts'
import type { Framing } from '../fast/splice-response-head.ts'
import type { Refusal } from '../refusal.ts'
import { addHeaders, answerHeaders, newHeaders } from './answer-headers.ts'
import { ChunkContents, OpenContents } from './contents.ts'

/** How many interim answers (1xx) of one request are passed on. */
const informationLimit = 32

/** What `node:http2` sends, and RFC 9110 15 knows. */
const highestStatus = 599

/** What an answer depends on. */
export interface AnsweredRequest {
  readonly isHead: boolean
  /** Whether the client waits for `100 Continue`. */
  readonly expectsContinue: boolean
  /** The answer is whole, and on its way. */
  onAnswered(): void
  /** The client takes more again. */
  onDrain(): void
}

/** Writes an answer to a stream: header section and the beginning of the body in one go, the end with the last piece. */
export class StreamOutlet implements AnswerOutlet {
  readonly #stream: ServerHttp2Stream
  readonly #request: AnsweredRequest
  /** The header section, until it is sent. */
  #headers: OutgoingHttpHeaders | null = null
  /** What has been gathered of the body. */
  #piece: Buffer | null = null
  #contents: ChunkContents | null = null
  #isBodiless = false
  #hasWritten = false
  #waitsForDrain = false
  #bytesSent = 0
  /** Not the same as `writableEnded`: to Node, an answer to HEAD has ended before it begins. */
  #hasFinished = false
  #informationCount = 0

  constructor(stream: ServerHttp2Stream, request: AnsweredRequest) {
    this.#stream = stream
    this.#request = request
  }

  get isBlocked(): boolean {
    return this.#stream.writableNeedDrain
  }

  /** Of the body. */
  get bytesSent(): number {
    return this.#bytesSent
  }

  information(bytes: Buffer, head: ResponseHead): void {
    if (!this.#isOpen || this.#stream.headersSent) return
    if (head.status === 100 && !this.#request.expectsContinue) return
    // They are not subject to flow control: nobody else would hold them back.
    if (++this.#informationCount > informationLimit) return
    this.#stream.additionalHeaders(answerHeaders(bytes, head, 'none', []))
  }

  head(bytes: Buffer, head: ResponseHead, framing: Framing, own: readonly string[]): boolean {
    if (head.status > highestStatus) return false
    this.#headers = answerHeaders(bytes, head, framing, own)
    // RFC 9110 15.3.6: 205 has no content, and whatever a worker says about it is void.
    if (head.status === 205) delete this.#headers['content-length']
    this.#isBodiless = framing === 'none' || head.status === 205
    return true
  }

  bodyOf(framing: Framing, length: number): Body {
    if (framing === 'close') return new OpenContents()
    if (framing !== 'chunked') return new MeasuredBody(framing === 'none' ? 0 : length)
    this.#contents = new ChunkContents()
    return this.#contents
  }

  text(text: string): void {
    this.bytes(Buffer.from(text, 'latin1'), 0, text.length, null)
  }

  bytes(buffer: Buffer, start: number, end: number, memory: ReadMemory | null): void {
    if (end <= start || this.#isBodiless) return
    const piece = buffer.subarray(start, end)
    this.#bytesSent += piece.length
    if (this.#piece !== null) this.#piece = Buffer.concat([this.#piece, piece])
    else this.#piece = memory === null ? piece : Buffer.from(piece)
  }

  flush(): boolean {
    const stream = this.#stream
    if (!this.#isOpen) return true
    if (this.#headers !== null) this.#respond(false)
    if (this.#piece === null) return !this.isBlocked
    if (stream.destroyed) return true
    const piece = this.#piece
    this.#piece = null
    this.#hasWritten = true
    if (stream.write(piece)) return true
    if (!this.#waitsForDrain) stream.once('drain', () => this.#onDrain())
    this.#waitsForDrain = true
    return false
  }

  finish(): boolean {
    const stream = this.#stream
    if (!this.#isOpen) return true
    this.#hasFinished = true
    const piece = this.#piece
    this.#piece = null
    const isWhole = piece === null && !this.#hasWritten && this.#trailers() === null
    if (this.#headers !== null) this.#respond(isWhole)
    if (stream.destroyed) return true
    if (piece !== null) stream.end(piece)
    else if (!stream.writableEnded) stream.end()
    this.#request.onAnswered()
    return !this.isBlocked
  }

  discard(): boolean {
    this.#headers = null
    this.#piece = null
    this.#contents = null
    this.#isBodiless = false
    return !this.#stream.headersSent
  }

  refuse(refusal: Refusal, request: FastRequest): number {
    const answer = refusalAnswer(refusal, request, request.entry.selection.version)
    this.answer(answer)
    return answer.status
  }

  /** Sends an answer of the gateway's own. */
  answer({ status, headers, body }: Answer): void {
    this.discard()
    this.#headers = newHeaders(status)
    addHeaders(this.#headers, headers)
    this.#isBodiless = this.#request.isHead
    this.bytes(body, 0, body.length, null)
    this.finish()
  }

  get #isOpen(): boolean {
    return !this.#hasFinished && !this.#stream.destroyed && !this.#stream.closed
  }

  #respond(isWhole: boolean): void {
    const headers = this.#headers ?? {}
    this.#headers = null
    if (isWhole || this.#isBodiless) {
      this.#send(headers, { endStream: true })
      return
    }
    const mayHaveTrailers = this.#contents !== null && (!this.#contents.isComplete || this.#trailers() !== null)
    this.#send(headers, mayHaveTrailers ? { waitForTrailers: true } : {})
    if (mayHaveTrailers) this.#stream.once('wantTrailers', () => this.#onWantTrailers())
  }

  /** Whatever a later Node may have against a header section, it costs this stream and no other. */
  #send(headers: OutgoingHttpHeaders, options: ServerStreamResponseOptions): void {
    try {
      this.#stream.respond(headers, options)
    } catch (error) {
      this.#stream.destroy(error as Error)
    }
  }

  #onDrain(): void {
    this.#waitsForDrain = false
    this.#request.onDrain()
  }

  #onWantTrailers(): void {
    if (!this.#stream.destroyed && !this.#stream.closed) this.#stream.sendTrailers(this.#trailers() ?? {})
  }

  /** null: there are none, or none yet. */
  #trailers(): OutgoingHttpHeaders | null {
    if (this.#contents === null || this.#contents.trailers.length === 0) return null
    const pairs = trailerPairs(this.#contents.trailers)
    if (pairs.length === 0) return null
    const headers = newHeaders(null)
    addHeaders(headers, pairs.flat())
    return headers
  }
}
