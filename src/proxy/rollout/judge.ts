import { type Evidence, rankOf } from './evidence.ts'
import type { GuardRule } from './guard-rules.ts'
import { binomialTail, exceedanceTail, ratioTail } from './statistics.ts'

/** A candidate is not taken to be well on fewer requests than this, of it and of the live version. */
const fewestRequests = 50
/** No alarm on fewer bad requests than this: they come in bursts, such as one client that tries again and again. */
const fewestBad = 5

/** What is known of a rule, and how sure it is. JSON-safe. */
export interface Finding {
  readonly rule: string
  /** How often a candidate that keeps to the rule does this badly by chance: 1 if it does not look bad at all. */
  readonly chance: number
  /** The figures: a part from 0 to 1 for errors, milliseconds for times; null: not known. */
  readonly candidate: number | null
  readonly live: number | null
}

/** What of the two versions has been seen in the same time, in requests that took part in the rollout. */
export interface Comparison {
  readonly candidate: Evidence
  readonly live: Evidence
}

/**
 * Holds the candidate against a rule. It breaks an absolute rule only if it is worse than the limit and than the live version as
 * well: where both are bad, the database is down, and taking the candidate back would help nobody. Pure.
 */
export function judge(rule: GuardRule, { candidate, live }: Comparison): Finding {
  if (rule.kind === 'errors' || rule.kind === 'errors-ratio') {
    const found = { rule: rule.text, candidate: partOf(candidate), live: partOf(live) }
    const ours = { hits: candidate.errors, size: candidate.requests }
    const theirs = { hits: live.errors, size: live.requests }
    if (ours.hits < fewestBad) return { ...found, chance: 1 }
    if (rule.kind === 'errors-ratio') return { ...found, chance: ratioTail(ours, theirs, rule.limit) }
    const beyondLimit = binomialTail(ours.hits, ours.size, rule.limit)
    // Both must be shown, so the larger one counts.
    return { ...found, chance: Math.max(beyondLimit, ratioTail(ours, theirs, 1)) }
  }
  const found = {
    rule: rule.text,
    candidate: candidate.quantile(rule.quantile),
    live: live.quantile(rule.quantile),
  }
  if (rule.kind === 'time') {
    const ours = { hits: candidate.longerThan(rule.limit), size: candidate.requests }
    const theirs = { hits: live.longerThan(rule.limit), size: live.requests }
    if (ours.hits < fewestBad) return { ...found, chance: 1 }
    const beyondLimit = binomialTail(ours.hits, ours.size, 1 - rule.quantile)
    return { ...found, chance: Math.max(beyondLimit, ratioTail(ours, theirs, 1)) }
  }
  if (found.live === null) return { ...found, chance: 1 }
  const exceedances = candidate.longerThan(found.live * rule.limit)
  if (exceedances < fewestBad) return { ...found, chance: 1 }
  const rank = rankOf(rule.quantile, live.requests)
  return { ...found, chance: exceedanceTail(exceedances, candidate.requests, rank, live.requests) }
}

/**
 * How many requests of either version it takes before it means something that a rule is not broken: as many as make a bad one
 * likely in a candidate that is right at the limit. Pure.
 */
export function requestsNeeded(rules: readonly GuardRule[]): number {
  return Math.max(
    fewestRequests,
    ...rules.map((rule) => {
      if (rule.kind === 'errors') return Math.ceil(1 / rule.limit - 1e-9)
      return rule.kind === 'errors-ratio' ? fewestRequests : Math.ceil(1 / (1 - rule.quantile) - 1e-9)
    }),
  )
}

function partOf({ errors, requests }: Evidence): number | null {
  return requests === 0 ? null : errors / requests
}
