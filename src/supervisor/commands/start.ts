import { basename } from 'node:path'
import type { Command } from '../control/command.ts'
import { makeEntry } from '../plain/make-entry.ts'
import type { PlainWorkers } from '../plain/plain-workers.ts'
import type { WorkerEntry } from '../plain/worker-entry.ts'
import { asTimedOut } from './as-timed-out.ts'
import { invalidRequest, readOptions, timeoutOf } from './call-options.ts'

/** @param defaults what an entry without options of its own gets */
export function startCommand(plain: PlainWorkers, defaults: Omit<WorkerEntry, 'name' | 'file'>): Command {
  return {
    name: 'start',
    level: 'local',
    isVisible: true,
    help: {
      info: 'Gracefully start service, one worker at a time.',
      command: 'start workerPath [cwd] { "option1": "value" }',
      workerPath: 'Path of worker to start.',
      '* count': 'The number of workers to start. Defaults to 1.',
      '* cwd': 'Path to set as the current working directory. If not provided, the working directory of the service.',
      '* timeout': 'Timeout, in milliseconds, before terminating a worker that is not ready. 0 for infinite wait.',
      '* name': 'Anything else is a variable of the environment of the workers.',
      example: `cservice start server.js '{ "count": 2, "PORT": 3000 }'`,
    },
    async run(args, { words, report }) {
      const [path = ''] = words
      const [, second, third] = args
      const folder = typeof second === 'string' ? { cwd: second } : {}
      const options = readOptions(typeof second === 'string' ? third : second)
      if (path === '' || typeof args[0] !== 'string' || options === null) throw invalidRequest('start')
      if (args.length > (typeof second === 'string' ? 3 : 2)) throw invalidRequest('start')
      const given = { count: 1, ...folder, ...options }
      const entry = await makeEntry({ name: basename(path), path, options: given, defaults })
      const timeout = timeoutOf(options)
      const onDone = (done: number, all: number) => report(`${done} of ${all} workers started`)
      const started = await plain.startOneByOne(entry, timeout, onDone).catch((error: unknown) => {
        throw asTimedOut(error)
      })
      return `${started.length} workers started successfully`
    },
  }
}
