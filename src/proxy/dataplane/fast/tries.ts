import type { Target } from '../../routing/route-table.ts'
import { type AttemptFailure, Attempts } from '../attempts.ts'
import type { Ticket } from '../dispatcher.ts'
import type { Claim } from '../targets.ts'
import type { FastRequest } from './fast-request.ts'

/** The targets that are asked, one after another until one answers: the request is counted on one at a time. */
export class Tries {
  readonly #ticket: Ticket
  readonly #attempts: Attempts
  #claim: Claim
  #waiting: AbortController | null = null
  #hasEnded = false

  constructor({ method, entry, hasBody }: FastRequest) {
    this.#ticket = entry.ticket
    this.#attempts = new Attempts(entry.ticket, method, hasBody)
    this.#claim = entry.claim
  }

  /** The one that is asked, or was asked last. */
  get target(): Target {
    return this.#claim.target
  }

  /** How many have failed. */
  get retries(): number {
    return this.#attempts.retries
  }

  /** It answers. @param status the one in the head of its answer */
  succeed(status: number): void {
    this.#claim.succeed()
    this.#ticket.answered(status)
  }

  /** It does not. @throws Refusal if nobody else may be asked */
  fail(failure: AttemptFailure): void {
    this.#attempts.settle(this.#claim, failure)
  }

  /**
   * Waits for the target to ask next.
   * @param patience milliseconds at most, besides what the settings allow
   * @returns false if nobody is to be asked any more
   * @throws Refusal if there will be none
   */
  async next(patience: number): Promise<boolean> {
    this.#waiting = new AbortController()
    const { signal } = this.#waiting
    const claim = await this.#attempts.next(patience, () => signal)
    this.#waiting = null
    if (this.#hasEnded) claim.release()
    else this.#claim = claim
    return !this.#hasEnded
  }

  /** The target has done its part. */
  release(): void {
    this.#claim.release()
  }

  /** Nobody is asked any more. */
  end(): void {
    this.#hasEnded = true
    this.#claim.release()
    this.#waiting?.abort(new Error('the client has left'))
  }
}
