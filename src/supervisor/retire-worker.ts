import { once } from 'node:events'
import type { Log } from '../common/log.ts'
import type { PoolSpec } from './pool-spec.ts'
import type { WorkerHandle } from './worker.ts'
import type { StopReason } from './worker-options.ts'

export interface Retirement {
  readonly reason: StopReason
  /** Milliseconds that it may take after it was asked, instead of those of its pool. */
  readonly timeout: number | undefined
  readonly log: Log
}

/**
 * Who leaves when no more than `size` are to stay: those that are starting first, then the youngest, since the oldest have
 * proved themselves.
 * @param up oldest first
 */
export function leavingOf(up: readonly WorkerHandle[], size: number): WorkerHandle[] {
  const isStarting = (worker: WorkerHandle) => Number(worker.state === 'starting')
  const inOrder = up.toReversed().sort((a, b) => isStarting(b) - isStarting(a))
  return inOrder.slice(0, Math.max(0, up.length - size))
}

/** Takes a worker that is up out of use, then stops it; resolves when it is gone. */
export async function retireWorker(worker: WorkerHandle, spec: PoolSpec, retirement: Retirement): Promise<void> {
  const { reason, timeout, log } = retirement
  if (worker.state === 'ready' && spec.drain) {
    worker.drain()
    const drained = spec.drain(worker).catch((error: unknown) => {
      log.warn({ err: error, worker: worker.name }, 'not drained')
    })
    await Promise.race([drained, worker.exited])
  }
  await worker.stop(reason, timeout)
}

/** Of one that is leaving already: whoever wants it gone now has perhaps less patience than who asked it first. */
export async function hurryWorker(worker: WorkerHandle, timeout: number | undefined): Promise<void> {
  while (worker.state === 'draining') await once(worker, 'state')
  await worker.stop('shutdown', timeout)
}
