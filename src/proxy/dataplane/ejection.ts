const firstMs = 1_000
const longestMs = 30_000

/** That a target is left alone after a failure. Immutable. */
export interface Ejection {
  /** Milliseconds since the epoch. */
  readonly until: number
  /** How long it was for, in milliseconds: what the next one doubles. */
  readonly duration: number
}

/**
 * The ejection that follows a refused or reset connection: one second, then twice the last one, half a minute at most.
 * Failures of requests that were under way together count once: while an ejection lasts, another failure changes nothing.
 * @param last the last ejection since the target last answered, or null
 */
export function eject(last: Ejection | null, now: number): Ejection {
  if (last === null) return { until: now + firstMs, duration: firstMs }
  if (last.until > now) return last
  const duration = Math.min(last.duration * 2, longestMs)
  return { until: now + duration, duration }
}
