import { CserviceError } from '../../common/errors.ts'
import type { Command } from '../control/command.ts'
import type { Pool } from '../pool.ts'
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
      const short = selection === 'all' ? supervisor.pools.filter(hasGivenUp) : []
      if (workers.length === 0 && short.length === 0) throw noWorkers('restart')
      let done = 0
      await roll(workers, concurrencyOf(workers.length, ratio), async (worker) => {
        const pool = supervisor.pools.find((candidate) => candidate.workers.includes(worker))
        await pool?.replace(worker, 'restart', { start: timeout, stop: timeout })
        context.report(`${++done} of ${workers.length} workers restarted`)
      }).catch((error: unknown) => {
        throw asTimedOut(error)
      })
      // What has given up is asked for anew: whoever restarts a service wants all of it.
      for (const pool of short) done += (await pool.scale(pool.size, 'restart')).started
      return `${done} workers restarted successfully`
    },
  }
}

/** Of a plain service: a version is started again by the next request for it. */
function hasGivenUp({ isCrashLoop, spec }: Pool): boolean {
  return isCrashLoop && spec.keepsTrying === true && !spec.isImmune
}

export function noWorkers(verb: string): CserviceError {
  return new CserviceError('BAD_USAGE', `No workers to ${verb}`, { hint: 'cservice workers lists the pids.' })
}
