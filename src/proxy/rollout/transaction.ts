import { toCserviceError } from '../../common/errors.ts'
import { faultPoint } from '../../common/fault-point.ts'
import type { Log } from '../../common/log.ts'
import type { ProxyConfig } from '../config/proxy-config.ts'
import type { ConfigChanges, Rewrite } from '../config/rewrite-config.ts'
import type { PromoteAnswer } from '../live-version.ts'
import type { Journal } from '../versions/journal.ts'
import { undoAll } from '../versions/promote.ts'
import type { Version } from '../versions/version.ts'
import type { Moment } from './moment.ts'
import { isNewComparison, type RolloutPlan, workersOf } from './plan.ts'
import { toJson } from './plan-text.ts'

/** What a rollout needs from the gateway. */
export interface RolloutParts {
  /** The version of that name, with room to run. @throws CserviceError UNKNOWN_VERSION, VERSION_LIMIT */
  lookUp(name: string): Promise<Version>
  find(name: string): Version | undefined
  /** Whether the catalog has it. */
  has(name: string): boolean
  /** The name of the live version. */
  live(): string | null
  config(): ProxyConfig
  /** Rewrites proxy.json. @throws CserviceError CONFIG_WRITE_FAILED */
  rewrite(changes: ConfigChanges): Promise<Rewrite>
  /** Publishes the routes as they are now. @returns the epoch */
  publish(): number
  /** Resolves when every proxy process uses the epoch. */
  acknowledged(epoch: number): Promise<void>
  /** Makes a version live. Must be called when no other change is under way. */
  promote(name: string, workers: number, by: string): Promise<PromoteAnswer>
  /** Takes the workers of a version away that it does not need when it is in no rollout. In the background. */
  shrink(name: string): void
  /** That version is kept running; null: none. */
  hold(name: string | null): void
  /** Runs an action when no other change of the gateway is under way. */
  exclusively<T>(action: () => Promise<T>): Promise<T>
  readonly journal: Journal
  readonly log: Log
  now(): Moment
}

/**
 * Puts a plan in force, whole or not at all: the candidate has its workers, all of them ready; proxy.json has the plan; every
 * proxy process routes by it. When a step fails, those before it are put back and the error of that step is thrown. proxy.json
 * is the only truth, so a crash between two steps settles itself at the next start.
 * @param set makes it the plan that is published
 */
export async function put(
  parts: RolloutParts,
  plan: RolloutPlan,
  set: (plan: RolloutPlan | null) => void,
  former: RolloutPlan | null,
): Promise<{ epoch: number; workers: number }> {
  const undo: Array<() => Promise<unknown>> = []
  const onUndoFailure = (error: unknown): void =>
    parts.log.error({ err: error, version: plan.version }, 'a step of a rollout was not put back whole')
  try {
    const workers = isPauseOf(plan, former)
      ? (parts.find(plan.version)?.size ?? 0)
      : await scaleUp(parts, plan, (step) => undo.push(step), onUndoFailure)
    faultPoint('rollout:scaled')

    const rewrite = await parts.rewrite({ rollout: toJson(plan) })
    undo.push(() => rewrite.undo())
    faultPoint('rollout:recorded')

    undo.push(async () => {
      set(former)
      parts.publish()
    })
    set(plan)
    const epoch = parts.publish()
    faultPoint('rollout:routed')
    await parts.acknowledged(epoch)
    faultPoint('rollout:acknowledged')
    return { epoch, workers }
  } catch (error) {
    throw await undoAll(undo.reverse(), toCserviceError(error), onUndoFailure)
  }
}

/** A rollout is often paused because its candidate does not run: that must not keep anybody from pausing it. */
function isPauseOf(plan: RolloutPlan, former: RolloutPlan | null): boolean {
  return plan.state === 'paused' && !isNewComparison(plan, former) && plan.workers === former?.workers
}

async function scaleUp(
  parts: RolloutParts,
  plan: RolloutPlan,
  onUndo: (step: () => Promise<unknown>) => void,
  onUndoFailure: (error: unknown) => void,
): Promise<number> {
  const version = await parts.lookUp(plan.version)
  const sizeBefore = version.size
  const workers = Math.max(sizeBefore, workersOf(plan, parts.config()))
  await version.scale(workers, 'scale')
  onUndo(async () => {
    version.scale(sizeBefore, 'scale').catch(onUndoFailure)
  })
  return workers
}

/** Takes the plan out of proxy.json, once nothing is routed by it any more. */
export async function takeBack(parts: RolloutParts): Promise<void> {
  await parts.acknowledged(parts.publish())
  faultPoint('rollout:taken-back')
  await parts.rewrite({ rollout: undefined })
  faultPoint('rollout:ended')
}
