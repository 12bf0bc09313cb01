import { CserviceError } from '../../common/errors.ts'
import type { Command } from '../control/command.ts'
import type { Supervisor } from '../supervisor.ts'

/** @param stopService ends the whole service; resolves when all workers are gone */
export function shutdownCommand(supervisor: Supervisor, stopService: () => Promise<void>): Command {
  return {
    name: 'shutdown',
    level: 'local',
    isVisible: true,
    help: {
      info: 'Gracefully shutdown service, waiting for requests in flight before terminating workers.',
      command: 'shutdown all|pid',
      'all|pid': "Required. 'all' ends the service; a pid ends that worker, and its pool is smaller by one.",
      example: 'cservice shutdown all',
    },
    runsAtOnce: () => true,
    async run(_args, { words: [which = '', ...rest] }) {
      if (rest.length > 0 || !/^(all|\d{1,10})$/.test(which)) {
        throw new CserviceError('BAD_USAGE', 'Invalid request. Try help shutdown', { hint: 'cservice help shutdown' })
      }
      if (which === 'all') {
        await stopService()
        return 'Shutting down...'
      }
      await stopWorker(supervisor, Number(which))
      return 'Worker shutdown'
    },
  }
}

async function stopWorker(supervisor: Supervisor, pid: number): Promise<void> {
  for (const pool of supervisor.pools) {
    const worker = pool.workers.find((candidate) => candidate.pid === pid)
    if (!worker) continue
    if (worker.kind === 'own') {
      throw new CserviceError('BAD_USAGE', `${pid} is a process of the service itself (${worker.name})`, {
        hint: 'How many there are is said in proxy.json, as the workerCount of the binding.',
      })
    }
    await pool.stopWorker(worker)
    return
  }
  throw new CserviceError('BAD_USAGE', 'No workers were shutdown', { hint: 'cservice workers lists the pids.' })
}
