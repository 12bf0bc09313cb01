import { refuseMore, requireWord } from './arguments.ts'
import type { Subcommand } from './subcommand.ts'
import { takeOptions } from './take-options.ts'

export const removeCommand: Subcommand = {
  name: 'remove',
  usage: 'proxy remove <version> [--force]',
  help: {
    info: 'Removes a version from disk, whole or not at all: it is not served any more, its workers stop, its folder is deleted.',
    version: 'Required. The name of the version.',
    '* force':
      'Also one that is warm, pinned or has requests in flight, which are finished; but never the live one or one in a rollout.',
    example: 'cservice proxy remove v2',
  },
  async run(args, host, { caller }) {
    const { words, options } = takeOptions(removeCommand, args, { force: 'flag' })
    const name = requireWord(removeCommand, words, 0, 'the version')
    refuseMore(removeCommand, words, 1)
    const { retention } = await host.get()
    return await retention.remove(name, { force: options.force ?? false, by: caller.name })
  },
}
