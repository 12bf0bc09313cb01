import type { AnswerOutlet } from './answer-outlet.ts'
import type { Body } from './body.ts'
import type { ReadMemory } from './read-memory.ts'
import { type ResponseHead, scanResponseHead } from './scan-response-head.ts'
import { framingOf } from './splice-response-head.ts'

/** A worker's answer on its way into the client's outlet. */
export class RelayedAnswer {
  readonly #client: AnswerOutlet
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
  constructor(client: AnswerOutlet, isForHead: boolean, own: () => readonly string[]) {
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
   * @param read what it was read into
   * @returns false if it makes no sense
   */
  take(read: ReadMemory, length: number): boolean {
    let memory: ReadMemory | null = read
    let { bytes } = read
    let end = length
    if (this.#body !== null) return this.#takeBody(this.#body, bytes, 0, end, memory)
    if (this.#partial !== null) {
      bytes = Buffer.concat([this.#partial, bytes.subarray(0, length)])
      end = bytes.length
      memory = null
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
        return body !== null && this.#takeBody(body, bytes, at, end, memory)
      }
      if (head.status === 101) return false // nobody asked for it
      this.#client.information(bytes, head)
    }
  }

  /** The worker has ended the connection. @returns whether the answer is whole */
  finish(): boolean {
    return this.#body?.finish(this.#client) ?? false
  }

  /** @returns null if there is no such answer for this client */
  #begin(bytes: Buffer, head: ResponseHead): Body | null {
    const framing = framingOf(head, this.#isForHead)
    if (!this.#client.head(bytes, head, framing, this.#own())) return null
    this.#head = head
    this.#status = head.status
    this.#endsWithConnection = framing === 'close'
    this.#statesAbsentBody = framing === 'none' && (head.isChunked || head.contentLength > 0)
    this.#body = this.#client.bodyOf(framing, head.contentLength)
    return this.#body
  }

  #takeBody(body: Body, bytes: Buffer, start: number, end: number, memory: ReadMemory | null): boolean {
    if (body.isComplete) {
      this.#hasSurplus = end > start
      return true
    }
    const at = body.pass(bytes, start, end, this.#client, memory)
    if (at < end) this.#hasSurplus = true
    return !body.isOdd
  }
}
