import { planChange } from '../plan-change.ts'
import { refuseMore, wholeNumber } from './arguments.ts'
import type { Subcommand } from './subcommand.ts'
import { takeOptions } from './take-options.ts'

export const rollbackCommand: Subcommand = {
  name: 'rollback',
  usage: 'proxy rollback [n] [--dry-run]',
  help: {
    info: 'Makes the version live again that was live before, at once while it is warm (keepWarm). One rollback after the other goes back further; promote is the way forward.',
    n: 'Optional. How many versions to go back. Default: 1. Versions that are gone are passed over.',
    '* dry-run': 'Says where it would go, and does nothing.',
    example: 'cservice proxy rollback',
  },
  async run(args, host, { caller }) {
    const { words, options } = takeOptions(rollbackCommand, args, { 'dry-run': 'flag' })
    const steps =
      wholeNumber(rollbackCommand, words, 0, { minimum: 1, maximum: 1_000, what: 'number of versions' }) ?? 1
    refuseMore(rollbackCommand, words, 1)
    const gateway = await host.get()
    if (options['dry-run']) {
      const { version, workers, skipped } = await gateway.rollback.plan(steps)
      return planChange(gateway, { action: 'rollback', version, workers, skipped })
    }
    return gateway.rollback.run(steps, caller.name)
  },
}
