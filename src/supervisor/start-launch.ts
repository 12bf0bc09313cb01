import { CserviceError } from '../common/errors.ts'
import type { Launch } from './launch.ts'
import type { Growth } from './pool-size.ts'
import type { PoolSpec } from './pool-spec.ts'
import type { Predecessor } from './readiness-rule.ts'
import { exitOf } from './restarts.ts'
import type { WorkerHandle } from './worker.ts'
import type { WorkerExit } from './worker-exit.ts'
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

/** Of a worker that has had bad luck each time. */
const maxLaunches = 3
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

export interface PatientLaunch {
  spawn(): Promise<WorkerHandle>
  /** Whether it may go better with another launch. */
  isBadLuck(exit: WorkerExit): boolean
  /** It is known whether this one has become ready. */
  onSettled(worker: WorkerHandle): void
}

/** A worker that had bad luck is tried again, with a launch of its own. @throws why the last one did not become ready */
export async function launchUntilReady({ spawn, isBadLuck, onSettled }: PatientLaunch): Promise<WorkerHandle> {
  for (let attempt = 1; ; attempt++) {
    const worker = await spawn()
    try {
      await worker.ready
      return worker
    } catch (error) {
      const exit = exitOf(error)
      if (exit === null || !isBadLuck(exit) || attempt === maxLaunches) throw error
    } finally {
      onSettled(worker)
    }
  }
}
