import { CserviceError } from '../../common/errors.ts'
import type { Command } from '../control/command.ts'
import type { Post } from '../post.ts'
import { concurrencyOf, roll } from '../rolling.ts'
import type { Supervisor } from '../supervisor.ts'
import { isUp } from '../worker-state.ts'
import { asTimedOut } from './as-timed-out.ts'
import { invalidRequest, readOptions, timeoutOf } from './call-options.ts'
import { readSelection, selectPosts } from './selection.ts'

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
      const posts = selectPosts(supervisor, selection)
      if (posts.length === 0) throw noWorkers('restart')
      let done = 0
      await roll(posts, concurrencyOf(posts.length, ratio), async (post) => {
        await restartPost(post, timeout)
        context.report(`${++done} of ${posts.length} workers restarted`)
      }).catch((error: unknown) => {
        throw asTimedOut(error)
      })
      return `${done} workers restarted successfully`
    },
  }
}

/** A post that is vacant is filled. One whose worker has gone meanwhile is nobody's business any more, or its pool's. */
async function restartPost({ pool, worker }: Post, timeout: number): Promise<void> {
  if (worker === null) {
    await pool.scale(pool.size, 'restart', { startTimeout: timeout })
  } else if (isUp(worker)) {
    await pool.replace(worker, 'restart', { start: timeout, stop: timeout }).catch((error: unknown) => {
      if (worker.stopReason !== 'shutdown' || pool.size === 0) throw error
    })
  }
}

export function noWorkers(verb: string): CserviceError {
  return new CserviceError('BAD_USAGE', `No workers to ${verb}`, { hint: 'cservice workers lists the pids.' })
}
