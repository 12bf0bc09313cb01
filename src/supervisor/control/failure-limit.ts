const windowMs = 60_000
const failuresInWindow = 10
/** So that an attacker with many addresses cannot fill our memory. */
const addressLimit = 10_000

/** Counts wrong access keys by address: ten in a minute, and the address has to wait until the minute is over. */
export class FailureLimit {
  readonly #failures = new Map<string, { since: number; count: number }>()

  /** Milliseconds until the address may try again; 0: now. */
  waitOf(address: string, now = Date.now()): number {
    const entry = this.#failures.get(address)
    if (!entry || entry.count < failuresInWindow) return 0
    return Math.max(0, entry.since + windowMs - now)
  }

  record(address: string, now = Date.now()): void {
    const entry = this.#failures.get(address)
    if (entry && now - entry.since < windowMs) {
      entry.count++
      return
    }
    this.#failures.delete(address)
    const [oldest] = this.#failures.keys()
    if (this.#failures.size >= addressLimit && oldest !== undefined) this.#failures.delete(oldest)
    this.#failures.set(address, { since: now, count: 1 })
  }
}
