import { trailerPairs } from './end-to-end-headers.ts'
import type { AnswerOutlet } from './fast/answer-outlet.ts'
import { ChunkedBody, EndlessBody, MeasuredBody } from './fast/body.ts'
import { nowhere } from './fast/outlet.ts'
import type { ReadMemory } from './fast/read-memory.ts'
import { RelayedAnswer } from './fast/relayed-answer.ts'
import type { WorkerConnection, WorkerUser } from './fast/worker-connection.ts'
import type { WorkerConnections } from './fast/worker-connections.ts'
import type { Claim } from './targets.ts'

/** Nobody reads it, but its end must be found, so that the connection can be used again. */
const thrownAway: AnswerOutlet = {
  ...nowhere,
  isBlocked: false,
  information: () => {},
  head: () => true,
  bodyOf: (framing, length) => {
    if (framing === 'chunked') return new ChunkedBody(trailerPairs)
    return framing === 'close' ? new EndlessBody() : new MeasuredBody(framing === 'none' ? 0 : length)
  },
  flush: () => true,
  finish: () => true,
  discard: () => true,
  refuse: () => 0,
}

/** The copy of one request, from its head to the end of an answer that nobody reads. Tried once. */
export class MirroredRequest implements WorkerUser {
  /** Milliseconds since the epoch. */
  readonly startedAt = Date.now()
  readonly #workers: WorkerConnections
  readonly #claim: Claim
  readonly #text: string
  readonly #answer: RelayedAnswer
  readonly #onEnd: (result: 'answered' | 'failed') => void
  #connection: WorkerConnection | null = null
  #hasEnded = false

  constructor(
    workers: WorkerConnections,
    claim: Claim,
    { isHead, text }: { readonly isHead: boolean; readonly text: string },
    onEnd: (result: 'answered' | 'failed') => void,
  ) {
    this.#workers = workers
    this.#claim = claim
    this.#text = text
    this.#answer = new RelayedAnswer(thrownAway, isHead, () => [])
    this.#onEnd = onEnd
  }

  start(): void {
    this.#connection = this.#workers.take(this.#claim.target, this)
    if (this.#connection.isOpen) this.onOpen()
  }

  onOpen(): void {
    this.#connection?.outlet.text(this.#text)
    this.#connection?.outlet.flush()
  }

  onBytes(memory: ReadMemory, length: number): void {
    if (!this.#answer.take(memory, length)) this.end('failed')
    else if (this.#answer.isComplete) this.end('answered')
  }

  onDrain(): void {}

  onGone(): void {
    this.#connection = null
    this.end(this.#answer.hasHead && this.#answer.finish() ? 'answered' : 'failed')
  }

  /** It is over; what is under way is broken off. May be called more than once. */
  end(result: 'answered' | 'failed'): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    const connection = this.#connection
    this.#connection = null
    if (connection !== null && result === 'answered' && this.#answer.leavesConnectionUsable) {
      this.#workers.giveBack(connection, this.#answer.keepsFor)
    } else connection?.destroy()
    this.#claim.release()
    this.#onEnd(result)
  }
}
