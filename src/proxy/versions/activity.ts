import type { VersionCounters } from '../messages.ts'

/** What proxy processes reported of one version, added up. Owns the figures. */
export class Activity {
  #requests = 0
  #lastAccess: number
  #lastRequest: number | null = null
  readonly #statuses: [number, number, number, number, number] = [0, 0, 0, 0, 0]
  readonly #inFlight = new Map<string, number>()

  constructor(now: number) {
    this.#lastAccess = now
  }

  get requests(): number {
    return this.#requests
  }

  /** Milliseconds since the epoch; what `touch` says counts as well. */
  get lastAccess(): number {
    return this.#lastAccess
  }

  /** When somebody last asked for it, in milliseconds since the epoch; null: nobody has. */
  get lastRequest(): number | null {
    return this.#lastRequest
  }

  /** Answers by class, 1xx … 5xx. */
  get statuses(): readonly number[] {
    return [...this.#statuses]
  }

  get inFlight(): number {
    return [...this.#inFlight.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Does not count as idle before this moment, whatever the counters say later; nobody need have asked for it. */
  touch(now: number): void {
    this.#lastAccess = Math.max(this.#lastAccess, now)
  }

  /** @param source id of the proxy process */
  add(source: string, counters: VersionCounters, now: number): void {
    // The end of a request is use as well: a stream that has just ended must not count as idle since it began.
    const wasInFlight = (this.#inFlight.get(source) ?? 0) > 0
    const isUsed = counters.requests > 0 || wasInFlight || counters.inFlight > 0
    this.touch(isUsed ? now : counters.lastAccess)
    if (isUsed) this.#lastRequest = Math.max(this.#lastRequest ?? 0, now)
    this.#requests += counters.requests
    this.#inFlight.set(source, counters.inFlight)
    counters.statuses.forEach((count, index) => {
      this.#statuses[index] = (this.#statuses[index] ?? 0) + count
    })
  }

  /** A proxy process is gone, and what it had in flight with it. */
  remove(source: string): void {
    this.#inFlight.delete(source)
  }
}
