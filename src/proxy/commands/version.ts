import { refuseMore, requireWord, workerCount } from './arguments.ts'
import type { Subcommand } from './subcommand.ts'

export const versionCommand: Subcommand = {
  name: 'version',
  usage: 'proxy version <version> [workers]',
  help: {
    info: 'Brings a version to a number of workers: starts it if it does not run, 0 stops it.',
    version: 'Required. The name of the version: a folder that holds the worker file.',
    workers: 'Optional. workerCount for the live version, nonDefaultWorkerCount for others.',
    example: 'cservice proxy version v2 4',
  },
  async run(args, host) {
    const name = requireWord(versionCommand, args, 0, 'the version')
    const count = workerCount(versionCommand, args, 1)
    refuseMore(versionCommand, args, 2)
    const gateway = await host.get()
    return gateway.coldStarts.scale(name, count ?? gateway.coldStarts.defaultCount(name))
  },
}
