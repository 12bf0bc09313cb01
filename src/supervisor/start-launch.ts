import { CserviceError } from '../common/errors.ts'
import type { Launch } from './launch.ts'
import type { Growth } from './pool-size.ts'
import type { PoolSpec } from './pool-spec.ts'
import type { Predecessor } from './readiness-rule.ts'
import type { WorkerHandle } from './worker.ts'
import { type StartReason, type WorkerOptions, withStartTimeout } from './worker-options.ts'

/** How one worker of a pool is started, beside what its spec says. */
export interface LaunchOptions {
  readonly reason: StartReason
  readonly startTimeout?: number | undefined
  /** The worker whose place the new one takes. */
  readonly predecessor?: Predecessor | undefined
  /** The call of `grow` that it is for. */
  readonly growth?: Growth
}

export const none: Predecessor = { places: [], openedIn: 0 }

export type StartWorker = (
  launch: Launch,
  options: Pick<WorkerOptions, 'name' | 'reason' | 'timeouts' | 'predecessor'>,
) => Promise<WorkerHandle>

/** @throws CserviceError WORKER_FAILED when the system has no process or descriptor left to give; the launch is released */
export async function startLaunch(
  start: StartWorker,
  spec: PoolSpec,
  launch: Launch,
  { reason, startTimeout, predecessor = none }: LaunchOptions,
): Promise<WorkerHandle> {
  const timeouts = startTimeout === undefined ? spec : withStartTimeout(spec, startTimeout)
  try {
    return await start(launch, { name: spec.name, reason, timeouts, predecessor })
  } catch (cause) {
    launch.release?.()
    throw new CserviceError('WORKER_FAILED', `${spec.name}: no process could be started: ${String(cause)}`, { cause })
  }
}

/** Settles with the launch, but one that was called off is no failure of those who merely waited for it. */
export async function unlessCancelled(launched: Promise<WorkerHandle>): Promise<void> {
  try {
    await launched
  } catch (error) {
    if (!(error instanceof CserviceError && error.code === 'CANCELLED')) throw error
  }
}
