import type { Ticket } from './dispatcher.ts'
import { Refusal } from './refusal.ts'
import type { Claim } from './targets.ts'

/** Methods that may be carried out twice (RFC 9110 9.2.2). */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** Why a target gave no answer. */
export interface AttemptFailure {
  /**
   * `connect`: no connection, so nothing was sent. `unsent`: a kept connection was closed before anything was sent, which says
   * nothing about the target. `sent`: the request may have been carried out.
   */
  readonly kind: 'connect' | 'unsent' | 'sent' | 'silent' | 'bad answer'
  /** Whether the connection had served another request before: then it may have been closed as idle. */
  readonly isReused: boolean
  readonly error: Error
}

/** The tries to get one request answered, by one target after another: what both lanes do between them. */
export class Attempts {
  readonly #ticket: Ticket
  readonly #isRepeatable: boolean
  #retries = 0
  #wasSent = false

  /** @param hasBody such a request is not repeated: its body is not kept */
  constructor(ticket: Ticket, method: string, hasBody: boolean) {
    this.#ticket = ticket
    this.#isRepeatable = !hasBody && idempotent.has(method)
  }

  /** How many tries have failed. */
  get retries(): number {
    return this.#retries
  }

  /**
   * The target to try next, if there is one now.
   * @throws Refusal if there will be none
   */
  claim(): Claim | null {
    return this.#ticket.claim()
  }

  /**
   * The target to try next; waits until there is one.
   * @param patience milliseconds at most, besides what the settings allow
   * @param signal asked for only where it has to wait
   * @throws Refusal if there will be none
   */
  async next(patience: number, signal: () => AbortSignal): Promise<Claim> {
    let claim = this.#ticket.claim()
    while (claim === null) {
      await this.#ticket.wait(patience, signal())
      claim = this.#ticket.claim()
    }
    return claim
  }

  /**
   * Gives back a target that gave no answer. Returns if the request may be sent again.
   * @throws Refusal if it may not
   */
  settle(claim: Claim, { kind, isReused, error }: AttemptFailure): void {
    if (kind === 'connect') {
      this.#ticket.refuse(claim, error.message)
    } else if (kind === 'unsent') {
      claim.release()
    } else {
      // A kept connection that is closed just then says nothing about the worker.
      this.#ticket.breakOff(claim, kind === 'sent' && !isReused ? error.message : null)
      if (kind === 'silent') throw new Refusal('TARGET_SILENT', { cause: error })
      if (kind === 'bad answer') throw new Refusal('TARGET_BAD_ANSWER', { cause: error })
      if (!this.#isRepeatable || this.#wasSent) throw new Refusal('TARGET_BROKE_OFF', { cause: error })
      this.#wasSent = true
    }
    this.#retries++
  }
}
