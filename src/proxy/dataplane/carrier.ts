import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Target } from '../routing/route-table.ts'
import type { AttemptFailure } from './attempts.ts'

/** One attempt to get a request answered by one target. */
export interface CarryJob {
  readonly req: IncomingMessage
  readonly target: Target
  readonly method: string
  /** Sent exactly like this. */
  readonly path: string
  /** The header lines, names and values in turn: sent exactly like this. */
  readonly lines: string[]
  readonly hasBody: boolean
  /** Milliseconds of silence before the answer's head; 0: for ever. */
  readonly answerTimeout: number
  readonly listener: CarryListener
}

/** What comes of it. Exactly one of `onAnswer`, `onUpgrade` and `onFailure` is called, unless it is cancelled before. */
export interface CarryListener {
  /** A 1xx answer other than 101. */
  onInformation(status: number, reason: string, rawHeaders: readonly string[]): void
  /** The head has come; the body is read from `answer`, which is paused. */
  onAnswer(answer: IncomingMessage): void
  /** 101: from now on the two sockets speak to each other; `head` is what came after the answer's head. */
  onUpgrade(answer: IncomingMessage, socket: Socket, head: Buffer): void
  onFailure(failure: AttemptFailure): void
  /** The target is done with the request: the last thing called, after each of the others. */
  onDone(): void
}

/** How the general lane speaks HTTP to workers. One implementation, on `http-proxy`. */
export interface Carrier {
  /** Begins at once. @returns a function that breaks it off, at any time */
  carry(job: CarryJob): () => void
  /**
   * Looks at the time: to be called now and then.
   * @param now milliseconds since the epoch
   * @param connectTimeout milliseconds until there is a connection
   */
  check(now: number, connectTimeout: number): void
  /** Closes the idle connections to a target: the next request opens a new one. */
  closeIdle(target: Target): void
  close(): void
}
