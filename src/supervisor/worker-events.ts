import type { Log } from '../common/log.ts'
import type { Caller } from './control/command.ts'
import type { CommandRegistry } from './control/command-registry.ts'
import type { Supervisor } from './supervisor.ts'
import type { WorkerHandle } from './worker.ts'
import { viewOf } from './worker-view.ts'

export interface WorkerEventsOptions {
  readonly supervisor: Supervisor
  readonly registry: CommandRegistry
  readonly log: Log
}

const caller: Caller = { level: 'inproc', name: 'supervisor' }

/**
 * Runs the commands `workerStart` and `workerExit` (LEGACY 5.2), with the worker and the reason, when a worker of the user
 * is up and when it has gone. A program listens by putting commands of its own in their place.
 */
export function announceWorkers({ supervisor, registry, log }: WorkerEventsOptions): void {
  const announce = (name: string, worker: WorkerHandle, reason: string) => {
    if (registry.get(name) === undefined) return
    registry
      .call(name, [viewOf(worker), reason], caller)
      .catch((error: unknown) => log.debug({ err: error, command: name }, 'an event failed'))
  }
  supervisor.on('worker', (worker) => {
    if (worker.kind === 'own') return
    let hasStarted = false
    const start = () => {
      if (hasStarted) return
      hasStarted = true
      announce('workerStart', worker, worker.reason)
    }
    worker.once('connected', start)
    worker.on('state', (state) => state === 'ready' && start())
    worker.once('exit', (_exit, { isExpected }) => announce('workerExit', worker, exitReason(worker, isExpected)))
  })
}

function exitReason(worker: WorkerHandle, isExpected: boolean): string {
  if (!isExpected) return 'failure'
  return worker.stopReason ?? 'shutdown'
}
