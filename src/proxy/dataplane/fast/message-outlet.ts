import { trailerPairs } from '../end-to-end-headers.ts'
import type { Refusal } from '../refusal.ts'
import type { AnswerOutlet } from './answer-outlet.ts'
import { type Body, ChunkedBody, EndlessBody, MeasuredBody } from './body.ts'
import type { FastRequest } from './fast-request.ts'
import { Outlet } from './outlet.ts'
import { refusalMessage } from './refusal-message.ts'
import type { ResponseHead } from './scan-response-head.ts'
import { type Framing, spliceInformation, spliceResponseHead } from './splice-response-head.ts'

/** Writes answers as HTTP/1.1 messages. */
export class MessageOutlet extends Outlet implements AnswerOutlet {
  information(bytes: Buffer, head: ResponseHead): void {
    // No `100 Continue`: whoever expects it is in the general lane. A client that does not read them gets no others.
    if (head.status !== 100 && !this.isBlocked) this.text(spliceInformation(bytes, head))
  }

  head(bytes: Buffer, head: ResponseHead, framing: Framing, own: readonly string[]): boolean {
    this.text(spliceResponseHead(bytes, head, framing, own))
    return true
  }

  bodyOf(framing: Framing, length: number): Body {
    if (framing === 'chunked') return new ChunkedBody(trailerPairs)
    if (framing === 'close') return new EndlessBody()
    return new MeasuredBody(framing === 'none' ? 0 : length)
  }

  finish(): boolean {
    return this.flush()
  }

  refuse(refusal: Refusal, request: FastRequest, closes: boolean): number {
    const { status, message } = refusalMessage(refusal, request, closes)
    this.bytes(message, 0, message.length, null)
    this.flush()
    return status
  }
}
