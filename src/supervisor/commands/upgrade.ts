import { basename } from 'node:path'
import { CserviceError } from '../../common/errors.ts'
import type { Command } from '../control/command.ts'
import { makeEntry } from '../plain/make-entry.ts'
import type { PlainWorkers } from '../plain/plain-workers.ts'
import type { WorkerEntry } from '../plain/worker-entry.ts'
import type { Supervisor } from '../supervisor.ts'
import { asTimedOut } from './as-timed-out.ts'
import { type CallOptions, invalidRequest, readOptions, timeoutOf } from './call-options.ts'
import { noWorkers } from './restart.ts'
import { readSelection, selectPosts } from './selection.ts'

/** @param ratio which share of the workers is replaced at a time, beside one */
export function upgradeCommand(supervisor: Supervisor, plain: PlainWorkers, ratio: number): Command {
  return {
    name: 'upgrade',
    level: 'local',
    isVisible: true,
    help: {
      info: 'Gracefully upgrade service, one worker at a time. (continuous deployment support).',
      command: 'upgrade all|pid workerPath [cwd] { "option1": "value" }',
      'all|pid': "Required. 'all' to upgrade all workers, or pid to upgrade a specific worker.",
      workerPath: 'Required. Path of the worker to upgrade to.',
      '* cwd': 'Path to set as the current working directory. If not provided, the one of the former worker.',
      '* timeout': 'Timeout, in milliseconds, before terminating workers. 0 for infinite wait.',
      '* name': 'Anything else is a variable of the environment of the workers.',
      example: 'cservice upgrade all server2.js',
    },
    async run(args, context) {
      const selection = readSelection(context)
      const [, path, third, fourth] = args
      const folder = typeof third === 'string' ? { cwd: third } : {}
      const options = readOptions(typeof third === 'string' ? fourth : third)
      const isTooMuch = args.length > (typeof third === 'string' ? 4 : 3)
      if (selection === null || typeof path !== 'string' || path === '' || options === null || isTooMuch)
        throw invalidRequest('upgrade')
      const timeout = timeoutOf(options)
      const selected = selectPosts(supervisor, selection)
      const posts = selected.filter(({ pool }) => plain.pools.includes(pool))
      if (posts.length === 0) throw selected.length === 0 ? noWorkers('upgrade') : versionsOnly()
      const given = { ...folder, ...options }
      const upgraded = await plain
        .upgrade(posts, (old) => successorOf(old, path, given), {
          ratio,
          start: timeout,
          stop: timeout,
          onDone: (done, all) => context.report(`${done} of ${all} workers upgraded`),
        })
        .catch((error: unknown) => {
          throw asTimedOut(error)
        })
      return `${upgraded} workers upgraded successfully`
    },
  }
}

/** What is not given stays as it was, the number of workers in any case. */
function successorOf(old: WorkerEntry, path: string, { count: _, ...options }: CallOptions): Promise<WorkerEntry> {
  const name = old.name === basename(old.file) ? basename(path) : old.name
  return makeEntry({ name, path, options, defaults: old })
}

function versionsOnly(): CserviceError {
  return new CserviceError('BAD_USAGE', 'No workers to upgrade: a version is never changed', {
    hint: 'Bring in another version beside it and make that live: cservice proxy promote <version>',
  })
}
