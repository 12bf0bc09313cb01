import type { VersionCounters } from '../messages.ts'
import { AnswerCounter } from './answer-counter.ts'

const intervalMs = 500
/** The first report of a quiet time waits a little: most requests are over by then, and are told with their end. */
const firstMs = 50

interface Count {
  requests: number
  inFlight: number
  lastAccess: number
  statuses: [number, number, number, number, number]
  /** null: nobody compares them. */
  answers: AnswerCounter | null
  isChanged: boolean
}

/** Counts requests by version and reports what changed, in batches: no message per request (DESIGN decision 8). */
export class Counters {
  readonly #report: (versions: readonly VersionCounters[]) => void
  readonly #counts = new Map<string, Count>()
  #timer: NodeJS.Timeout | null = null
  #reportedAt = 0

  constructor(report: (versions: readonly VersionCounters[]) => void) {
    this.#report = report
  }

  /** A request for the version has come. */
  enter(version: string): void {
    const count = this.#of(version)
    count.inFlight++
    count.lastAccess = Date.now()
    this.#change(count)
  }

  /** It has ended. @param status of the answer; 0 if the client got none */
  leave(version: string, status: number): void {
    const count = this.#of(version)
    count.inFlight--
    count.requests++
    const index = Math.floor(status / 100) - 1
    if (index >= 0 && index < 5) count.statuses[index as 0 | 1 | 2 | 3 | 4]++
    this.#change(count)
  }

  /** A request for the version, which is still in flight, has been answered. @param time in milliseconds, to the answer's head */
  observe(version: string, time: number, isError: boolean): void {
    const count = this.#of(version)
    count.answers ??= new AnswerCounter()
    count.answers.add(time, isError)
    this.#change(count)
  }

  inFlight(version: string): number {
    return this.#counts.get(version)?.inFlight ?? 0
  }

  /** Reports all that is in flight, as to somebody who knows nothing yet. */
  repeat(): void {
    for (const count of this.#counts.values()) count.isChanged = true
    this.flush()
  }

  /** Reports what has changed now. */
  flush(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    const batch: VersionCounters[] = []
    for (const [version, count] of this.#counts) {
      if (!count.isChanged) continue
      const { requests, inFlight, lastAccess, statuses, answers } = count
      const compared = answers === null ? {} : { answers: answers.toTally() }
      batch.push({ version, requests, inFlight, lastAccess, statuses, ...compared })
      // Starts anew when it is used again; so a long-lived process does not remember every version there ever was.
      if (inFlight === 0) this.#counts.delete(version)
      else Object.assign(count, { requests: 0, statuses: [0, 0, 0, 0, 0], answers: null, isChanged: false })
    }
    this.#reportedAt = Date.now()
    if (batch.length > 0) this.#report(batch)
  }

  #of(version: string): Count {
    let count = this.#counts.get(version)
    if (count === undefined) {
      const statuses: Count['statuses'] = [0, 0, 0, 0, 0]
      count = { requests: 0, inFlight: 0, lastAccess: 0, statuses, answers: null, isChanged: false }
      this.#counts.set(version, count)
    }
    return count
  }

  #change(count: Count): void {
    count.isChanged = true
    if (this.#timer !== null) return
    this.#timer = setTimeout(() => this.flush(), Math.max(firstMs, this.#reportedAt + intervalMs - Date.now()))
    this.#timer.unref()
  }
}
