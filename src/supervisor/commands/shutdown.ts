import { CserviceError } from '../../common/errors.ts'
import type { Command } from '../control/command.ts'
import type { Supervisor } from '../supervisor.ts'
import { invalidRequest, readOptions, timeoutOf } from './call-options.ts'
import { findWorker, readSelection } from './selection.ts'

export interface ShutdownParts {
  readonly supervisor: Supervisor
  /** Ends the whole service; resolves when all workers are gone. @param timeout milliseconds that each may take */
  readonly stopService: (timeout: number) => Promise<void>
  /** Called when a worker has been shut down. @returns whether the service has nothing left to do */
  readonly isIdle: () => Promise<boolean>
}

export function shutdownCommand({ supervisor, stopService, isIdle }: ShutdownParts): Command {
  return {
    name: 'shutdown',
    level: 'local',
    isVisible: true,
    help: {
      info: 'Gracefully shutdown service, waiting up to timeout before terminating workers.',
      command: 'shutdown all|pid { "option1": "value" }',
      'all|pid': "Required. 'all' ends the service; a pid ends that worker, and its pool is smaller by one.",
      '* timeout': 'Timeout, in milliseconds, before terminating workers. 0 for infinite wait.',
      example: 'cservice shutdown all',
    },
    runsAtOnce: () => true,
    async run(args, context) {
      const selection = readSelection(context)
      const options = readOptions(args[1])
      if (selection === null || options === null || args.length > 2) throw invalidRequest('shutdown')
      const timeout = timeoutOf(options)
      if (selection === 'all') {
        await stopService(timeout)
        return 'Shutting down...'
      }
      const found = findWorker(supervisor, selection.pid)
      if (found === null) {
        throw new CserviceError('BAD_USAGE', 'No workers were shutdown', { hint: 'cservice workers lists the pids.' })
      }
      await found.pool.stopWorker(found.worker, 'shutdown', timeout)
      if (!(await isIdle())) return 'Worker shutdown'
      await stopService(timeout)
      return 'Shutting down...'
    },
  }
}
