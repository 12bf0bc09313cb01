import type { AnswerOutlet } from './answer-outlet.ts'

/** The client's side of an exchange. */
export interface ClientSide {
  readonly outlet: AnswerOutlet
  /** Whether the connection is to be closed after this answer. */
  isLast(): boolean
  /** Gives the exchange, through `takeBody`, what has come of the body. */
  offerBody(): void
  pause(): void
  resume(): void
  /** The exchange is over, and the connection goes on, or not. */
  onEnd(closes: boolean): void
  /** It is over, and what the client got of the answer must not look whole. */
  onBroken(): void
}
