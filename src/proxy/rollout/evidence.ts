import type { AnswerTally } from '../messages.ts'
import { lowerEdge, upperEdge } from '../routing/time-buckets.ts'

/** What is known of one version in a step of a rollout: how many answers, how many of them errors, and how long they took. */
export class Evidence {
  #requests = 0
  #errors = 0
  /** By bucket, see time-buckets.ts. */
  readonly #times: number[] = []

  get requests(): number {
    return this.#requests
  }

  get errors(): number {
    return this.#errors
  }

  add({ errors, times }: AnswerTally): void {
    this.#errors += errors
    for (const [bucket, count] of times) {
      this.#times[bucket] = (this.#times[bucket] ?? 0) + count
      this.#requests += count
    }
  }

  /** How many took longer than this for certain, in milliseconds: those that may have are not among them. */
  longerThan(time: number): number {
    let count = 0
    for (const [bucket, inBucket] of this.#entries()) if (lowerEdge(bucket) >= time) count += inBucket
    return count
  }

  /**
   * The time within which this part of the answers began, in milliseconds, and at most this much too long (see
   * time-buckets.ts); null without any.
   */
  quantile(part: number): number | null {
    const rank = rankOf(part, this.#requests)
    let below = 0
    for (const [bucket, inBucket] of this.#entries()) {
      below += inBucket
      if (below >= rank) return upperEdge(bucket)
    }
    return null
  }

  *#entries(): Generator<[bucket: number, count: number]> {
    for (let bucket = 0; bucket < this.#times.length; bucket++) yield [bucket, this.#times[bucket] ?? 0]
  }
}

/** The place of a quantile among so many, counted from 1. Pure. */
export function rankOf(part: number, count: number): number {
  return Math.max(1, Math.ceil(part * count - 1e-9))
}
