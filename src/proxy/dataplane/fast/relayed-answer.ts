import { trailerPairs } from '../end-to-end-headers.ts'
import { type Body, ChunkedBody, EndlessBody, MeasuredBody } from './body.ts'
import type { Outlet } from './outlet.ts'
import { type ResponseHead, scanResponseHead } from './scan-response-head.ts'
import { type Framing, framingOf, spliceInformation, spliceResponseHead } from './splice-response-head.ts'

/** A worker's answer on its way into the client's outlet. */
export class RelayedAnswer {
  readonly #client: Outlet
  readonly #isForHead: boolean
  readonly #own: () => readonly string[]
  #head: ResponseHead | null = null
  #body: Body | null = null
  #status = 0
  /** What has come of a head that is not whole. */
  #partial: Buffer | null = null
  #hasSurplus = false
  #endsWithConnection = false
  /** Whether it states a body that it must not have: a worker may send it all the same, in a moment (RFC 9112 6.3). */
  #statesAbsentBody = false

  /** @param own header lines of ours, names and values in turn */
  constructor(client: Outlet, isForHead: boolean, own: () => readonly string[]) {
    this.#client = client
    this.#isForHead = isForHead
    this.#own = own
  }

  /** Whether the client has the final head. */
  get hasHead(): boolean {
    return this.#head !== null
  }

  get isComplete(): boolean {
    return this.#body?.isComplete ?? false
  }

  /** 0: none yet. */
  get status(): number {
    return this.#status
  }

  /** Once complete: whether another request may be sent on the connection. */
  get leavesConnectionUsable(): boolean {
    const isInDoubt = this.#hasSurplus || this.#endsWithConnection || this.#statesAbsentBody
    return this.#head?.persists === true && !isInDoubt
  }

  /** Seconds that the worker keeps its connection; -1: it did not say. */
  get keepsFor(): number {
    return this.#head?.keepsFor ?? -1
  }

  /** An answer of the gateway's takes its place. */
  setStatus(status: number): void {
    this.#status = status
  }

  /**
   * Takes what the worker has sent.
   * @param buffer lent
   * @returns false if it makes no sense
   */
  take(buffer: Buffer, length: number): boolean {
    if (this.#body !== null) return this.#takeBody(this.#body, buffer, 0, length)
    let bytes = buffer
    let end = length
    if (this.#partial !== null) {
      bytes = Buffer.concat([this.#partial, buffer.subarray(0, length)])
      end = bytes.length
      this.#partial = null
    }
    let at = 0
    for (;;) {
      const head = scanResponseHead(bytes, at, end)
      if (head === 'bad') return false
      if (head === 'more') {
        if (at < end) this.#partial = Buffer.from(bytes.subarray(at, end))
        return true
      }
      at = head.end
      if (head.status >= 200) {
        const body = this.#begin(bytes, head)
        return this.#takeBody(body, bytes, at, end)
      }
      if (head.status === 101) return false // nobody asked for it
      // No `100 Continue`: whoever expects it is in the general lane. A client that does not read them gets no others.
      if (head.status !== 100 && !this.#client.isBlocked) this.#client.text(spliceInformation(bytes, head))
    }
  }

  /** The worker has ended the connection. @returns whether the answer is whole */
  finish(): boolean {
    return this.#body?.finish(this.#client) ?? false
  }

  #begin(bytes: Buffer, head: ResponseHead): Body {
    const framing = framingOf(head, this.#isForHead)
    this.#head = head
    this.#status = head.status
    this.#endsWithConnection = framing === 'close'
    this.#statesAbsentBody = framing === 'none' && (head.isChunked || head.contentLength > 0)
    this.#client.text(spliceResponseHead(bytes, head, framing, this.#own()))
    this.#body = bodyOf(framing, head.contentLength)
    return this.#body
  }

  #takeBody(body: Body, bytes: Buffer, start: number, end: number): boolean {
    if (body.isComplete) {
      this.#hasSurplus = end > start
      return true
    }
    const at = body.pass(bytes, start, end, this.#client, true)
    if (at < end) this.#hasSurplus = true
    return !body.isOdd
  }
}

function bodyOf(framing: Framing, length: number): Body {
  if (framing === 'chunked') return new ChunkedBody(trailerPairs)
  if (framing === 'close') return new EndlessBody()
  return new MeasuredBody(framing === 'none' ? 0 : length)
}
