import { CserviceError } from '../common/errors.ts'
import type { Launch } from './launch.ts'
import type { PoolSpec } from './pool-spec.ts'
import type { WorkerHandle } from './worker.ts'
import { type StartReason, type WorkerOptions, withStartTimeout } from './worker-options.ts'

/** How one worker of a pool is started, beside what its spec says. */
export interface LaunchOptions {
  readonly reason: StartReason
  readonly startTimeout?: number | undefined
  /** Where the worker listens whose place the new one takes. */
  readonly predecessor?: readonly string[]
}

export type StartWorker = (
  launch: Launch,
  options: Pick<WorkerOptions, 'name' | 'reason' | 'timeouts' | 'predecessor'>,
) => Promise<WorkerHandle>

/** @throws CserviceError WORKER_FAILED when the system has no process or descriptor left to give; the launch is released */
export async function startLaunch(
  start: StartWorker,
  spec: PoolSpec,
  launch: Launch,
  { reason, startTimeout, predecessor = [] }: LaunchOptions,
): Promise<WorkerHandle> {
  const timeouts = startTimeout === undefined ? spec : withStartTimeout(spec, startTimeout)
  try {
    return await start(launch, { name: spec.name, reason, timeouts, predecessor })
  } catch (cause) {
    launch.release?.()
    throw new CserviceError('WORKER_FAILED', `${spec.name}: no process could be started: ${String(cause)}`, { cause })
  }
}
