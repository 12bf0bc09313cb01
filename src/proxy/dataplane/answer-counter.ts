import type { AnswerTally } from '../messages.ts'
import { bucketOf } from '../routing/time-buckets.ts'

/** Counts the answers to requests that a rollout compares. */
export class AnswerCounter {
  #errors = 0
  readonly #times = new Map<number, number>()

  /** @param time from the request's head to the answer's, in milliseconds */
  add(time: number, isError: boolean): void {
    const bucket = bucketOf(time)
    this.#times.set(bucket, (this.#times.get(bucket) ?? 0) + 1)
    if (isError) this.#errors++
  }

  toTally(): AnswerTally {
    return { errors: this.#errors, times: [...this.#times] }
  }
}
