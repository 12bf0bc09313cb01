/** All times in milliseconds. */
export interface RestartPolicy {
  /** Delay before the first restart; doubles with each failure in a row. */
  readonly firstDelay: number
  readonly maxDelay: number
  /** A worker that stayed ready for this long was well: the count of failures in a row starts anew. */
  readonly stableAfter: number
  /** Failures in a row that make a crash loop; Infinity: never give up. */
  readonly giveUpAfter: number
}

export const defaultRestartPolicy: RestartPolicy = {
  firstDelay: 50,
  maxDelay: 30_000,
  stableAfter: 10_000,
  giveUpAfter: 6,
}

export type RestartVerdict =
  | { readonly action: 'restart'; readonly failures: number; readonly delay: number }
  | { readonly action: 'give-up'; readonly failures: number }

/**
 * What to do after a worker exited unasked.
 * @param failures failures in a row before this one
 * @param readyFor how long the worker had been ready; null: it never was
 * @param random from [0, 1): the jitter, so that many workers that died together do not come back in step
 */
export function decideRestart(
  policy: RestartPolicy,
  failures: number,
  readyFor: number | null,
  random: number,
): RestartVerdict {
  const inARow = readyFor !== null && readyFor >= policy.stableAfter ? 1 : failures + 1
  if (inARow >= policy.giveUpAfter) return { action: 'give-up', failures: inARow }
  const exponential = Math.min(policy.maxDelay, policy.firstDelay * 2 ** (inARow - 1))
  return { action: 'restart', failures: inARow, delay: Math.round(exponential * (0.75 + random / 2)) }
}
