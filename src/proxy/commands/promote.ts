import { CserviceError } from '../../common/errors.ts'
import { planChange } from '../plan-change.ts'
import { refuseMore, requireWord, workerCount } from './arguments.ts'
import type { Subcommand } from './subcommand.ts'
import { takeOptions } from './take-options.ts'

export const promoteCommand: Subcommand = {
  name: 'promote',
  usage: 'proxy promote <version> [workers] [--dry-run]',
  help: {
    info: 'Makes a version live without a failed request: all its workers ready, proxy.json rewritten, then every request without a version goes to it. If a step fails, nothing has changed.',
    version: 'Required. The name of the version. The way back is proxy rollback.',
    workers: 'Optional. Default: workerCount of proxy.json.',
    '* dry-run': 'Says what would be started, stopped and rewritten, and does nothing.',
    example: 'cservice proxy promote v3 4',
  },
  async run(args, host, { caller }) {
    const { words, options } = takeOptions(promoteCommand, args, { 'dry-run': 'flag' })
    const name = requireWord(promoteCommand, words, 0, 'the version')
    const count = workerCount(promoteCommand, words, 1)
    refuseMore(promoteCommand, words, 2)
    if (count === 0) throw new CserviceError('BAD_USAGE', 'the live version needs at least one worker')
    const gateway = await host.get()
    const workers = count ?? gateway.config.workerCount
    if (options['dry-run']) return planChange(gateway, { action: 'promote', version: name, workers })
    return gateway.promote(name, workers, caller.name)
  },
}
