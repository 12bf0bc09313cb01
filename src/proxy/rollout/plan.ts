import type { RolloutConfig } from '../config/proxy-config.ts'

/** A rollout as it stands in proxy.json, complete. Immutable; what becomes of it is made by the functions below, all pure. */
export interface RolloutPlan extends RolloutConfig {
  /** When the step began, or the rollout was paused or resumed last: milliseconds since the epoch. */
  readonly since: number
}

/** The first step of a rollout, from now on. */
export function begin(config: RolloutConfig, now: number): RolloutPlan {
  return { ...config, since: config.since ?? now }
}

export function atStep(plan: RolloutPlan, step: number, now: number): RolloutPlan {
  return { ...plan, step, since: now, elapsed: 0 }
}

/** What has passed of the step is kept. */
export function paused(plan: RolloutPlan, now: number): RolloutPlan {
  return plan.state === 'paused'
    ? plan
    : { ...plan, state: 'paused', elapsed: elapsedOf(plan, now) / 1_000, since: now }
}

export function resumed(plan: RolloutPlan, now: number): RolloutPlan {
  return plan.state === 'running' ? plan : { ...plan, state: 'running', since: now }
}

/** How long the step has run, in milliseconds, the time that no supervisor was there included. */
export function elapsedOf({ state, elapsed, since }: RolloutPlan, now: number): number {
  return elapsed * 1_000 + (state === 'running' ? Math.max(0, now - since) : 0)
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
