import { CserviceError } from '../../common/errors.ts'
import type { RolloutConfig } from '../config/proxy-config.ts'
import type { Gateway } from '../gateway.ts'
import { parseGuard } from './guard-rules.ts'
import { requestsNeeded } from './judge.ts'
import { workersOf } from './plan.ts'

/** What a rollout would do. JSON-safe; times in seconds. */
export interface RolloutPreview {
  readonly dryRun: true
  readonly version: string
  readonly live: string | null
  /** What runs of it now. */
  readonly workers: number
  readonly steps: ReadonlyArray<{
    /** In percent. */
    readonly share: number
    readonly workers: number
    /** When it begins at the earliest, from now on; null: not by itself. */
    readonly after: number | null
    readonly does: string
  }>
  readonly guard: string | null
  /** Requests of either version that each step needs before the next one. */
  readonly requestsNeeded: number
}

/**
 * What `proxy rollout` would do, without doing any of it.
 * @throws CserviceError what would keep it from beginning
 */
export async function previewRollout(gateway: Gateway, order: RolloutConfig): Promise<RolloutPreview> {
  const { version, steps, every, guard } = order
  const { config, rollout, catalog } = gateway
  await catalog.rescan()
  if (!catalog.has(version)) throw new CserviceError('UNKNOWN_VERSION', await catalog.explain(version))
  rollout.check(version)
  const rules = guard === null ? [] : parseGuard(guard)
  return {
    dryRun: true,
    version,
    live: gateway.live.name,
    workers: gateway.versions.find(version)?.size ?? 0,
    steps: steps.map((share, step) => ({
      share,
      workers: share === 100 ? (order.workers ?? config.workerCount) : workersOf({ ...order, step }, config),
      after: step === 0 ? 0 : every === null ? null : step * every,
      does: share === 100 ? `${version} is made live` : `${share} % of the clients that name no version get ${version}`,
    })),
    guard,
    requestsNeeded: typeof rules === 'string' || rules.length === 0 ? 0 : requestsNeeded(rules),
  }
}
