import { CserviceError } from '../../common/errors.ts'
import type { Command } from '../control/command.ts'
import { concurrencyOf, roll } from '../rolling.ts'
import type { Supervisor } from '../supervisor.ts'
import { asTimedOut } from './as-timed-out.ts'
import { invalidRequest, readOptions, timeoutOf } from './call-options.ts'
import { readSelection, selectWorkers } from './selection.ts'

/** @param ratio which share of the workers is replaced at a time, beside one */
export function restartCommand(supervisor: Supervisor, ratio: number): Command {
  return {
    name: 'restart',
    level: 'remote',
    isVisible: true,
    help: {
      info: 'Gracefully restart service, waiting up to timeout before terminating workers.',
      command: 'restart all|pid { "option1": "value" }',
      'all|pid': "Required. 'all' to force reload of all workers, or pid to reload specific worker.",
      '* timeout': 'Timeout, in milliseconds, before terminating workers. 0 for infinite wait.',
      example: 'cservice restart all',
    },
    async run(args, context) {
      const selection = readSelection(context)
      const options = readOptions(args[1])
      if (selection === null || options === null || args.length > 2) throw invalidRequest('restart')
      const timeout = timeoutOf(options)
      const workers = selectWorkers(supervisor, selection)
      if (workers.length === 0) throw noWorkers('restart')
      let done = 0
      await roll(workers, concurrencyOf(workers.length, ratio), async (worker) => {
        const pool = supervisor.pools.find((candidate) => candidate.workers.includes(worker))
        await pool?.replace(worker, 'restart', { start: timeout, stop: timeout })
        context.report(`${++done} of ${workers.length} workers restarted`)
      }).catch((error: unknown) => {
        throw asTimedOut(error)
      })
      return `${done} workers restarted successfully`
    },
  }
}

export function noWorkers(verb: string): CserviceError {
  return new CserviceError('BAD_USAGE', `No workers to ${verb}`, { hint: 'cservice workers lists the pids.' })
}
