import { explainAlarm, type Verdict } from './guard.ts'
import { elapsedOf, type RolloutPlan } from './plan.ts'

/** What is to be done with a rollout now. */
export type Move =
  /** Nothing; `why` in words. */
  | { readonly kind: 'stay'; readonly why: string }
  | { readonly kind: 'step'; readonly step: number }
  /** The next step is 100 %: the candidate is made live. */
  | { readonly kind: 'finish' }
  | { readonly kind: 'abort'; readonly why: string }

export interface Outlook {
  /** By the steady clock, in milliseconds. */
  readonly steady: number
  /** Why the candidate serves nothing at the moment; null: it does. */
  readonly trouble: string | null
  /** Whether it has failed for good, as far as its own restarts go. */
  readonly hasFailed: boolean
  readonly verdict: Verdict
}

/**
 * The rule of a rollout. An alarm of the guard ends it, also while it is paused. A step is over when its time is, the candidate
 * serves, and the guard has seen enough to say that it is well; without a guard the time alone decides. Pure.
 */
export function nextMove(plan: RolloutPlan, { steady, trouble, hasFailed, verdict }: Outlook): Move {
  if (verdict.state === 'alarm') return { kind: 'abort', why: explainAlarm(verdict) }
  if (hasFailed && plan.guard !== null) return { kind: 'abort', why: trouble ?? 'it has failed' }
  if (plan.state === 'paused') return { kind: 'stay', why: 'it is paused' }
  const next = plan.steps[plan.step + 1]
  if (next === undefined) return { kind: 'stay', why: 'there is no further step' }
  if (plan.every === null) return { kind: 'stay', why: 'no time for the next step was given' }
  if (elapsedOf(plan, steady) < plan.every * 1_000) return { kind: 'stay', why: 'the step is not over yet' }
  if (trouble !== null) return { kind: 'stay', why: trouble }
  if (verdict.state === 'waiting') {
    const { candidate, live, needed } = verdict.requests
    const why = `too few requests to mean something: ${candidate} of ${needed}, the live version ${live}`
    return { kind: 'stay', why }
  }
  return next >= 100 ? { kind: 'finish' } : { kind: 'step', step: plan.step + 1 }
}
