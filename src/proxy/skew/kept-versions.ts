/** A version that was made live, as the journal tells it. */
export interface LiveChange {
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface KeepRule {
  /** How many versions, besides the live one, are kept for the pages that were loaded from them. */
  readonly count: number
  /** For how long after they were live, in milliseconds. */
  readonly maxAge: number
}

export interface FormerVersions {
  /** Kept for their pages, the one that was live last first. */
  readonly kept: readonly string[]
  /** Not kept any more. */
  readonly lapsed: readonly string[]
  /** When the next one lapses, in milliseconds since the epoch; null: none does by itself. */
  readonly changesAt: number | null
}

/**
 * Which of the versions that were live are kept for the pages that were loaded from them. Pure.
 * @param changes oldest first
 */
export function formerVersions(
  changes: readonly LiveChange[],
  live: string | null,
  rule: KeepRule,
  now: number,
): FormerVersions {
  /** When each was live for the last time. */
  const endedAt = new Map<string, number>()
  changes.forEach(({ version }, index) => {
    const end = changes[index + 1]?.at ?? now
    endedAt.delete(version) // so that the order is that of their ends
    endedAt.set(version, end)
  })
  const former = [...endedAt].filter(([version]) => version !== live).reverse()
  const isKept = ([, end]: readonly [string, number], place: number): boolean =>
    place < rule.count && now - end < rule.maxAge
  const kept = former.filter(isKept)
  return {
    kept: kept.map(([version]) => version),
    lapsed: former.filter((entry, place) => !isKept(entry, place)).map(([version]) => version),
    changesAt: kept.length === 0 ? null : Math.min(...kept.map(([, end]) => end)) + rule.maxAge,
  }
}
