import { isDeepStrictEqual } from 'node:util'
import type { RolloutConfig } from '../config/proxy-config.ts'
import { begin, type RolloutPlan } from './plan.ts'

/** A plan as it stands in proxy.json. All members, always: from one step to the next only values change. Pure. */
export function toJson({ since, ...plan }: RolloutPlan): Readonly<Record<string, unknown>> {
  const { version, steps, every, guard, workers, step, state, elapsed } = plan
  return { version, steps, every, guard, workers, step, state, since: new Date(since).toISOString(), elapsed }
}

/** Whether proxy.json says what is in force already. Pure. */
export function isSamePlan(config: RolloutConfig, plan: RolloutPlan): boolean {
  return config.since !== null && isDeepStrictEqual(toJson(begin(config, { wall: 0, steady: 0 })), toJson(plan))
}
