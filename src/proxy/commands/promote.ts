import { CserviceError } from '../../common/errors.ts'
import { refuseMore, requireWord, workerCount } from './arguments.ts'
import type { Subcommand } from './subcommand.ts'

export const promoteCommand: Subcommand = {
  name: 'promote',
  usage: 'proxy promote <version> [workers]',
  help: {
    info: 'Makes a version live without a failed request: all its workers ready, proxy.json rewritten, then every request without a version goes to it. If a step fails, nothing has changed.',
    version: 'Required. The name of the version. Promoting the former one is the way back.',
    workers: 'Optional. Default: workerCount of proxy.json.',
    example: 'cservice proxy promote v3 4',
  },
  async run(args, host, { caller }) {
    const name = requireWord(promoteCommand, args, 0, 'the version')
    const count = workerCount(promoteCommand, args, 1)
    refuseMore(promoteCommand, args, 2)
    if (count === 0) throw new CserviceError('BAD_USAGE', 'the live version needs at least one worker')
    const gateway = await host.get()
    return gateway.promote(name, count ?? gateway.config.workerCount, caller.name)
  },
}
