import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { CserviceError, toCserviceError } from '../../common/errors.ts'
import type { Pool } from '../../supervisor/pool.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import type { WorkerHandle } from '../../supervisor/worker.ts'
import { explainFailure, type WorkerExit } from '../../supervisor/worker-exit.ts'
import type { ProxyConfig } from '../config/proxy-config.ts'
import type { PortLeases } from '../versions/port-leases.ts'
import { prepareVersionLaunch } from '../versions/version-launch.ts'
import { foundPortTaken } from '../versions/version-pools.ts'
import { askStatus } from './ask-status.ts'

const askAgainMs = 100

export interface Trial {
  /** The name that the version is to have; its folder, in `folder`, has it too. */
  readonly name: string
  readonly folder: string
  readonly config: ProxyConfig
  readonly signal: AbortSignal
}

/**
 * Starts one worker of a release that is not a version yet, in its staging folder and on a port of its own, where no request
 * reaches it; waits until it is ready and, if there is a `healthPath`, healthy; and stops it.
 * @throws CserviceError TRIAL_FAILED with what the worker said last; CANCELLED
 */
export async function tryRelease(trial: Trial, supervisor: Supervisor, leases: PortLeases): Promise<void> {
  const { name, folder, config, signal } = trial
  const pool = supervisor.createPool({
    name: `${name} (trial)`,
    launch: async () => {
      const launch = await prepareVersionLaunch({ ...config, versionPath: folder }, name, leases)
      return { ...launch, env: { ...launch.env, CSERVICE_TRIAL: '1' } }
    },
    startTimeout: config.startTimeout * 1_000,
    stopTimeout: config.stopTimeout * 1_000,
    isBadLuck: foundPortTaken,
    isImmune: true,
  })
  const stop = () => void pool.close()
  signal.addEventListener('abort', stop)
  try {
    signal.throwIfAborted()
    await pool.scale(1, 'start')
    const [worker] = pool.readyWorkers
    if (worker !== undefined) await untilHealthy(worker, pool, config, signal)
  } catch (error) {
    throw signal.aborted
      ? new CserviceError('CANCELLED', 'The service stopped during the trial')
      : toFailure(name, error)
  } finally {
    signal.removeEventListener('abort', stop)
    await supervisor.removePool(pool)
  }
}

/** Asks again and again, until it says 2xx; a worker that exits meanwhile does not come to that. */
async function untilHealthy(worker: WorkerHandle, pool: Pool, config: ProxyConfig, signal: AbortSignal): Promise<void> {
  const { healthPath: path, healthTimeout } = config.release
  if (path === null || worker.port === null) return
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const failed = once(pool, 'failure', { signal: over.signal }).then(([exit]) => {
    throw new CserviceError('WORKER_FAILED', explainFailure(exit as WorkerExit), { details: exit })
  })
  failed.catch(() => {})
  try {
    await Promise.race([failed, askUntilWell(worker, worker.port, path, healthTimeout, either)])
  } finally {
    over.abort()
  }
}

async function askUntilWell(
  worker: WorkerHandle,
  port: number,
  path: string,
  timeout: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + timeout * 1_000
  let answered: number | null = null
  for (;;) {
    const left = deadline - performance.now()
    const answer = await askStatus({ host: worker.host, port, path }, Math.max(1, left))
    if (typeof answer === 'number' && answer >= 200 && answer < 300) return
    // The last question may be cut off by the deadline: what it had answered before tells more.
    if (typeof answer === 'number') answered = answer
    if (performance.now() + askAgainMs >= deadline) {
      const said = answered === null ? `did not answer (${answer})` : `answered ${answered}`
      throw new CserviceError('WORKER_FAILED', `${path} ${said} for ${timeout} s (healthTimeout)`, {
        details: worker.describe({ exitCode: null, signal: null }),
      })
    }
    await delay(askAgainMs, undefined, { signal })
  }
}

function toFailure(name: string, thrown: unknown): CserviceError {
  const error = toCserviceError(thrown)
  if (error.code !== 'WORKER_FAILED' && error.code !== 'CRASH_LOOP') return error
  return new CserviceError('TRIAL_FAILED', `${name} failed its trial start: ${error.message}`, {
    cause: error,
    details: error.details,
  })
}
