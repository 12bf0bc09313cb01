import { constants, type ServerHttp2Stream } from 'node:http2'
import { type Body, EndlessBody, MeasuredBody } from '../fast/body.ts'
import type { FastExchange } from '../fast/fast-exchange.ts'
import { requestTrailers } from '../worker-request.ts'

/** Reads the body of a request from its stream, no faster than an exchange takes it. */
export class StreamReader {
  readonly #stream: ServerHttp2Stream
  readonly #hasContent: boolean
  #isReceived: boolean
  #isReading = false
  #isDiscarded = false
  #bytesReceived = 0
  /** What has come and not been taken. */
  #unread: Buffer | null = null

  /** @param isWhole whether the header section was the whole request */
  constructor(stream: ServerHttp2Stream, isWhole: boolean) {
    this.#stream = stream
    this.#hasContent = !isWhole
    this.#isReceived = isWhole
  }

  /** Whether the whole request has come, read or not. */
  get isReceived(): boolean {
    if (this.#isReceived || this.#stream.closed) return this.#isReceived
    this.#isReceived = this.#stream.state.state === constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE
    return this.#isReceived
  }

  /** Of the body. */
  get bytesReceived(): number {
    return this.#bytesReceived
  }

  /**
   * The body as a worker gets it: of its length, or in chunks with the trailers that come behind it.
   * @param contentLength -1: none was given
   * @param limit bytes that one without a length may have; 0: any number
   */
  bodyOf(contentLength: number, limit: number): Body {
    if (contentLength !== -1) return new MeasuredBody(contentLength)
    const body = new EndlessBody(limit || undefined)
    // They may come long before the body is read.
    this.#stream.on('trailers', (_headers, _flags, lines?: string[]) => {
      body.trailers = requestTrailers(lines ?? [])
    })
    return body
  }

  /** There is no body, but the end of the stream is still to come. */
  awaitEnd(): void {
    this.#stream.resume()
  }

  /** Nobody takes any more of it. What is not read would keep the stream from ever being over. */
  discard(): void {
    this.#isDiscarded = true
    this.#unread = null
    // One without a body ends by itself. To end it sooner costs a tenth of the CPU time of its request: the library then takes
    // what it has just written for lost, and makes an error that nobody gets.
    if (this.#hasContent) this.#stream.resume()
  }

  /** Gives the exchange what has come, and what will come. */
  offer(exchange: FastExchange): void {
    if (this.#isReading) {
      const unread = this.#unread
      this.#unread = null
      if (unread !== null) this.#give(unread, exchange)
      return
    }
    this.#isReading = true
    this.#stream.on('data', (chunk: Buffer) => {
      this.#bytesReceived += chunk.length
      if (!this.#isDiscarded) this.#give(chunk, exchange)
    })
    // It ends like this as well when the stream is reset: a body that was cut short must not look whole to the worker.
    this.#stream.on('end', () => {
      if (!this.#stream.closed) this.#isReceived = true
      if (this.#isReceived && !this.#isDiscarded) exchange.endBody()
    })
  }

  #give(chunk: Buffer, exchange: FastExchange): void {
    const taken = exchange.takeBody(chunk, 0, chunk.length, null)
    if (taken >= chunk.length) return
    this.#unread = chunk.subarray(taken)
    this.#stream.pause()
  }
}
