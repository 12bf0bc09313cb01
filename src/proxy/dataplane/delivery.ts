import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { isNavigation } from './answer.ts'
import { type AttemptFailure, Attempts } from './attempts.ts'
import type { Carrier, CarryListener } from './carrier.ts'
import type { Departure } from './departure.ts'
import type { Ticket } from './dispatcher.ts'
import type { LaneContext } from './lane.ts'
import { Refusal } from './refusal.ts'
import type { Claim } from './targets.ts'

export interface DeliveryOptions {
  readonly req: IncomingMessage
  /** As the worker gets it. */
  readonly path: string
  readonly lines: string[]
  readonly hasBody: boolean
  readonly ticket: Ticket
  readonly departure: Departure
  readonly context: LaneContext
  readonly carrier: Carrier
  readonly listener: DeliveryListener
}

/** What comes of it. Of `onAnswer`, `onUpgrade` and `onRefused` one is called, unless the client has left before. */
export interface DeliveryListener {
  /** A 1xx answer other than 101. */
  onInformation(status: number, reason: string, rawHeaders: readonly string[]): void
  /** @throws if it cannot be passed on: then it is refused */
  onAnswer(answer: IncomingMessage): void
  /** @param claim which is to be released when the two sockets are done with each other */
  onUpgrade(answer: IncomingMessage, socket: Socket, head: Buffer, claim: Claim): void
  /** There will be no answer of a worker. */
  onRefused(error: unknown): void
  /** A target is done with the request. */
  onDone(): void
}

/** Brings one request of the general lane to a target, and to another one if that gives no answer. */
export class Delivery {
  readonly #options: DeliveryOptions
  readonly #attempts: Attempts
  #worker: string | null = null

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#attempts = new Attempts(options.ticket, options.req.method ?? '', options.hasBody)
  }

  /** The target that was tried last. */
  get worker(): string | null {
    return this.#worker
  }

  get retries(): number {
    return this.#attempts.retries
  }

  /** Tries target after target until one answers. Without a promise where there is one at once: that is nearly always. */
  begin(): void {
    const { departure, listener } = this.#options
    if (departure.hasLeft) return
    try {
      const claim = this.#attempts.claim()
      if (claim === null) void this.#wait()
      else this.#attempt(claim)
    } catch (error) {
      listener.onRefused(error)
    }
  }

  async #wait(): Promise<void> {
    const { req, departure, context, listener } = this.#options
    const patience = isNavigation(req.method ?? '', req.headers)
      ? context.settings().waitingPageAfter
      : Number.POSITIVE_INFINITY
    try {
      const claim = await this.#attempts.next(patience, () => departure.signal)
      if (departure.hasLeft) claim.release()
      else this.#attempt(claim)
    } catch (error) {
      listener.onRefused(error)
    }
  }

  #attempt(claim: Claim): void {
    const { req, path, lines, hasBody, ticket, departure, context, carrier, listener } = this.#options
    const { answerTimeout } = context.settings()
    this.#worker = claim.target.id
    let isUpgraded = false
    let cancel = (): void => {} // should `carry` throw, `onDone` is still called
    const carried: CarryListener = {
      onInformation: listener.onInformation,
      onAnswer: (answer) => {
        claim.succeed()
        ticket.answered(answer.statusCode ?? 0)
        try {
          listener.onAnswer(answer)
        } catch (error) {
          // Node reads more than it would write: a status below 100, say.
          listener.onRefused(new Refusal('TARGET_BAD_ANSWER', { cause: error }))
          cancel()
        }
      },
      onUpgrade: (answer, socket, head) => {
        isUpgraded = true
        claim.succeed()
        ticket.answered(101)
        listener.onUpgrade(answer, socket, head, claim)
      },
      onFailure: (failure) => this.#onFailure(claim, failure),
      onDone: () => {
        departure.forget(cancel)
        if (!isUpgraded) claim.release()
        listener.onDone()
      },
    }
    const { target } = claim
    const method = req.method ?? ''
    try {
      cancel = carrier.carry({
        req,
        target,
        method,
        path,
        lines,
        hasBody,
        answerTimeout,
        listener: carried,
      })
    } catch (error) {
      claim.release()
      throw error
    }
    departure.expect(cancel)
  }

  #onFailure(claim: Claim, failure: AttemptFailure): void {
    const { departure, carrier, listener } = this.#options
    if (departure.hasLeft) return
    try {
      this.#attempts.settle(claim, failure)
    } catch (error) {
      listener.onRefused(error)
      return
    }
    if (failure.kind === 'sent') carrier.closeIdle(claim.target)
    this.begin()
  }
}
