/** So many starts at once, and so many in each period in the long run. */
export interface StartRate {
  readonly count: number
  /** Milliseconds. */
  readonly period: number
}

/** How many versions may still be started because requests ask for them: a bucket of tokens that fills again. */
export class StartAllowance {
  #used = 0
  #at = 0

  /**
   * Takes a token.
   * @param now milliseconds, of a clock that does not go back
   * @returns 0, or in how many milliseconds there is one
   */
  take({ count, period }: StartRate, now: number): number {
    const perToken = period / count
    this.#used = Math.max(0, this.#used - (now - this.#at) / perToken)
    this.#at = now
    if (this.#used + 1 > count) return Math.ceil((this.#used + 1 - count) * perToken)
    this.#used++
    return 0
  }
}
