import type { Refusal } from '../refusal.ts'
import type { Body } from './body.ts'
import type { FastRequest } from './fast-request.ts'
import type { Sink } from './outlet.ts'
import type { ResponseHead } from './scan-response-head.ts'
import type { Framing } from './splice-response-head.ts'

/** Where the answer to a request goes: it knows how the client's protocol writes one. */
export interface AnswerOutlet extends Sink {
  /** Whether the client takes no more for now. */
  readonly isBlocked: boolean
  /** Passes an interim answer (1xx) on, if the client has use for it. @param bytes lent */
  information(bytes: Buffer, head: ResponseHead): void
  /** @returns false if there is no such answer in the client's protocol @param bytes lent @param own header lines of ours, names and values in turn; they take the place of the worker's */
  head(bytes: Buffer, head: ResponseHead, framing: Framing, own: readonly string[]): boolean
  /** What follows the body of such an answer to its end, and passes it on as the client's protocol frames it. */
  bodyOf(framing: Framing, length: number): Body
  /** Sends what has been gathered. @returns false if the client takes no more for now */
  flush(): boolean
  /** The same, and that was the whole answer. */
  finish(): boolean
  /** Forgets what has been gathered. @returns whether nothing has been sent since the last `flush` */
  discard(): boolean
  /** Answers in place of a worker. @param closes whether the connection ends with it @returns the status */
  refuse(refusal: Refusal, request: FastRequest, closes: boolean): number
}
