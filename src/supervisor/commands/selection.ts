import { CserviceError } from '../../common/errors.ts'
import type { CommandContext } from '../control/command.ts'
import type { Supervisor } from '../supervisor.ts'
import type { WorkerHandle } from '../worker.ts'
import { isUp } from '../worker-state.ts'

/** Which workers a command means. */
export type Selection = 'all' | { readonly pid: number }

/** The first word: `all`, or a pid in digits; null for anything else. */
export function readSelection({ words: [word = ''] }: CommandContext): Selection | null {
  if (word === 'all') return 'all'
  return /^[1-9]\d{0,9}$/.test(word) ? { pid: Number(word) } : null
}

/**
 * The workers meant, of those that run: all but the immune ones and our own processes, or the one with the pid.
 * @throws CserviceError BAD_USAGE for the pid of a process of the service itself
 */
export function selectWorkers(supervisor: Supervisor, selection: Selection): WorkerHandle[] {
  if (selection === 'all') {
    const pools = supervisor.pools.filter(({ spec }) => !spec.isImmune)
    return pools.flatMap(({ workers }) => workers).filter((worker) => isUp(worker) && worker.kind !== 'own')
  }
  const worker = supervisor.workers.find(({ pid }) => pid === selection.pid)
  if (worker?.kind === 'own') {
    throw new CserviceError('BAD_USAGE', `${worker.pid} is a process of the service itself (${worker.name})`, {
      hint: 'How many there are is said in proxy.json, as the workerCount of the binding.',
    })
  }
  return worker ? [worker] : []
}
