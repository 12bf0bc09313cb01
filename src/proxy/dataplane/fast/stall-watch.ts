import type { DataplaneSettings } from '../../messages.ts'
import type { Body } from './body.ts'
import type { RelayedAnswer } from './relayed-answer.ts'
import type { Turn } from './turn.ts'
import type { WorkerConnection } from './worker-connection.ts'

/** Tells who of an exchange has kept the other waiting for too long. Looked at by a clock: it has no timer. */
export class StallWatch {
  readonly #turn: Turn
  /** Since when the worker has had reason to say something, in milliseconds since the epoch. */
  #silentSince = 0
  /** When something of the body or of the answer last came, in milliseconds since the epoch. */
  #movedAt = 0

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** The worker has something to answer. */
  ask(): void {
    this.#silentSince = this.#turn.now
  }

  /** Something of the body has come. */
  move(): void {
    this.#movedAt = this.#turn.now
  }

  /** The worker has said something, or another one is asked. */
  restart(): void {
    this.#silentSince = this.#turn.now
    this.#movedAt = this.#silentSince
  }

  /** @returns who stalls; null if nobody does */
  check(
    now: number,
    worker: WorkerConnection | null,
    body: Body,
    answer: RelayedAnswer,
    { bodyTimeout, answerTimeout }: DataplaneSettings,
  ): 'client' | 'worker' | null {
    if (bodyTimeout > 0 && !body.isComplete) {
      const isRead = worker === null ? answer.isComplete : worker.isOpen && !worker.outlet.isBlocked
      // While nobody reads the body, it is not the client that is slow.
      if (!isRead) this.#movedAt = now
      else if (now - this.#movedAt >= bodyTimeout) return 'client'
    }
    if (answerTimeout === 0 || worker === null || !worker.isOpen || answer.hasHead) return null
    if (now - this.#silentSince < answerTimeout) return null
    // A client that takes its time with the body is not the target's silence.
    if (body.isComplete || worker.outlet.isBlocked) return 'worker'
    this.#silentSince = now
    return null
  }
}
