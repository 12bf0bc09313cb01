/** So much at once, and so much a second in the long run: a bucket that leaks. Pure, but for what it remembers. */
export class Allowance {
  readonly #burst: number
  readonly #perSecond: number
  #used = 0
  #at = 0

  constructor(burst: number, perSecond: number) {
    this.#burst = burst
    this.#perSecond = perSecond
  }

  /** @param now milliseconds, of any clock that does not go back @returns false if that was too much */
  take(amount: number, now: number): boolean {
    const leaked = ((now - this.#at) / 1_000) * this.#perSecond
    this.#at = now
    this.#used = Math.max(0, this.#used - leaked) + amount
    return this.#used <= this.#burst
  }
}
