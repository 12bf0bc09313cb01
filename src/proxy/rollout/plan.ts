import type { RolloutConfig } from '../config/proxy-config.ts'
import type { Moment } from './moment.ts'

/** A rollout as it stands in proxy.json, complete. Immutable; what becomes of it is made by the functions below, all pure. */
export interface RolloutPlan extends RolloutConfig {
  /** When the step began, or the rollout was paused or resumed last: milliseconds since the epoch. */
  readonly since: number
  /** The same by the steady clock of this process, in milliseconds: a clock that is set ends no step, nor prolongs it. Not in proxy.json. */
  readonly sinceSteady: number
}

/** A rollout as proxy.json has it, from then on or from now on. */
export function begin(config: RolloutConfig, { wall, steady }: Moment): RolloutPlan {
  const since = config.since ?? wall
  return { ...config, since, sinceSteady: steady - (wall - since) }
}

export function atStep(plan: RolloutPlan, step: number, now: Moment): RolloutPlan {
  return { ...plan, step, ...from(now), elapsed: 0 }
}

/** What an edit of proxy.json makes of a plan. Another step begins now, unless the edit says when; whoever writes `paused` means a pause. */
export function edited(plan: RolloutPlan, config: RolloutConfig, now: Moment): RolloutPlan {
  if (config.since !== plan.since) return begin(config, now)
  if (config.step !== plan.step || config.version !== plan.version) return begin({ ...config, since: null }, now)
  const { state, since, sinceSteady } = plan
  const kept = { ...config, state, since, sinceSteady }
  return config.state === 'paused' ? paused(kept, now) : resumed(kept, now)
}

/** What has passed of the step is kept. */
export function paused(plan: RolloutPlan, now: Moment): RolloutPlan {
  return plan.state === 'paused'
    ? plan
    : { ...plan, state: 'paused', elapsed: elapsedOf(plan, now.steady) / 1_000, ...from(now) }
}

export function resumed(plan: RolloutPlan, now: Moment): RolloutPlan {
  return plan.state === 'running' ? plan : { ...plan, state: 'running', ...from(now) }
}

/** How long the step has run, in milliseconds, the time that no supervisor was there included. @param steady see `Moment` */
export function elapsedOf({ state, elapsed, sinceSteady }: RolloutPlan, steady: number): number {
  return elapsed * 1_000 + (state === 'running' ? Math.max(0, steady - sinceSteady) : 0)
}

/** The part of the requests, from 0 to 1. */
export function shareOf({ steps, step }: Pick<RolloutConfig, 'steps' | 'step'>): number {
  return (steps[step] ?? 0) / 100
}

/** Workers of the candidate: a part of those of a live version that goes with its share of the requests, or what was asked for. */
export function workersOf(
  plan: Pick<RolloutConfig, 'steps' | 'step' | 'workers'>,
  counts: { readonly workerCount: number; readonly nonDefaultWorkerCount: number },
): number {
  if (plan.workers !== null) return plan.workers
  const inProportion = Math.ceil(counts.workerCount * shareOf(plan) - 1e-9)
  return Math.max(1, Math.min(counts.workerCount, Math.max(counts.nonDefaultWorkerCount, inProportion)))
}

/** Whether what the guard has seen of the former plan says nothing of this one: figures of one step are not held against another. */
export function isNewComparison(plan: RolloutPlan, former: RolloutPlan | null): boolean {
  return (
    plan.version !== former?.version ||
    plan.step !== former.step ||
    plan.guard !== former.guard ||
    shareOf(plan) !== shareOf(former)
  )
}

function from({ wall, steady }: Moment): Pick<RolloutPlan, 'since' | 'sinceSteady'> {
  return { since: wall, sinceSteady: steady }
}
