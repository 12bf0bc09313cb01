import type { Verdict } from './guard.ts'
import type { Outlook } from './next-move.ts'
import { elapsedOf, type RolloutPlan, shareOf } from './plan.ts'
import type { RolloutEnd } from './rollout-journal.ts'

/** What `proxy rollout` answers when it has put something in force. */
export interface RolloutAnswer {
  readonly version: string
  /** From 0 to 1. */
  readonly share: number
  readonly state: RolloutPlan['state']
  readonly workers: number
  readonly epoch: number
}

/** A rollout as `proxy info` and `proxy rollout status` show it. JSON-safe; times in seconds. */
export interface RunningRollout {
  readonly version: string
  readonly live: string | null
  readonly state: RolloutPlan['state']
  readonly share: number
  /** Counted from 1. */
  readonly step: number
  readonly steps: readonly number[]
  readonly every: number | null
  /** How long the step has run. */
  readonly elapsed: number
  readonly workers: number
  readonly key: string
  readonly guard: string | null
  /** Why it stays as it is for now. */
  readonly waitsFor: string | null
  /** Why the candidate serves nothing at the moment; null: it does. */
  readonly trouble: string | null
  readonly verdict: Verdict
}

export interface RolloutStatus {
  readonly rollout: RunningRollout | null
  /** How the last one of this gateway ended; the journal knows those before. */
  readonly last: RolloutEnd | null
}

export function describeRollout(
  plan: RolloutPlan,
  { steady, trouble, verdict }: Outlook,
  known: Pick<RunningRollout, 'live' | 'workers' | 'key' | 'waitsFor'>,
): RunningRollout {
  const { version, state, steps, step, every, guard } = plan
  const elapsed = Math.round(elapsedOf(plan, steady) / 1_000)
  return {
    version,
    ...known,
    state,
    share: shareOf(plan),
    step: step + 1,
    steps,
    every,
    elapsed,
    guard,
    trouble,
    verdict,
  }
}
