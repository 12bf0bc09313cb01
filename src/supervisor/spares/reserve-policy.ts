/** What the reserve is to be. */
export interface ReserveSettings {
  /** How many spares are kept; 0: none. */
  readonly count: number
  /** Bytes that a spare may take; one that takes more is not kept. */
  readonly memoryLimit: number
}

/** The state of the reserve; times in milliseconds. */
export interface ReserveFacts {
  readonly wanted: number
  readonly booting: number
  readonly ready: number
  /** Spares in a row that ended before anybody could use them. */
  readonly failures: number
  readonly sinceFailure: number
  /** For how long no worker has been starting; 0: one is. */
  readonly calmFor: number
  /** For how long a spare has been missing. */
  readonly shortFor: number
}

export type ReserveMove =
  | { readonly action: 'none' }
  /** Start one. */
  | { readonly action: 'start' }
  /** End so many. */
  | { readonly action: 'end'; readonly count: number }
  /** Look again after so many milliseconds, or when something has changed. */
  | { readonly action: 'wait'; readonly delay: number }

/** The first request of a worker that has just come up is not to share the processor with a booting spare. */
const calmTime = 100
/** A worker that takes long to start must not keep the reserve empty. */
const patience = 5_000
const firstDelay = 250
const maxDelay = 60_000
/** A spare that was there for this long was well. */
const stableAfter = 10_000

/** What to do about the reserve now. One spare boots at a time, and none while a worker starts. */
export function decideReserve(facts: ReserveFacts): ReserveMove {
  const { wanted, booting, ready, failures, sinceFailure, calmFor, shortFor } = facts
  const surplus = booting + ready - wanted
  if (surplus > 0) return { action: 'end', count: surplus }
  if (surplus === 0 || booting > 0) return { action: 'none' }
  const pause = failures === 0 ? 0 : Math.min(maxDelay, firstDelay * 2 ** (failures - 1)) - sinceFailure
  const untilCalm = shortFor >= patience ? 0 : Math.min(calmTime - calmFor, patience - shortFor)
  const delay = Math.max(pause, untilCalm)
  return delay > 0 ? { action: 'wait', delay: Math.ceil(delay) } : { action: 'start' }
}

/**
 * Failures in a row after another spare has ended unused.
 * @param readyFor milliseconds for which it was ready; null: it never was
 */
export function countFailures(failures: number, readyFor: number | null): number {
  return readyFor !== null && readyFor >= stableAfter ? 1 : failures + 1
}
