import { refuseMore, wholeNumber } from './arguments.ts'
import type { Subcommand } from './subcommand.ts'
import { takeOptions } from './take-options.ts'

const usualCount = 20

export const historyCommand: Subcommand = {
  name: 'history',
  usage: 'proxy history [n] [--version <version>]',
  help: {
    info: 'Shows what was deployed, made live, rolled back and removed: when, what, who, how it went and how long it took; newest first.',
    n: `Optional. How many entries. Default: ${usualCount}.`,
    '* version': 'Only what concerns this version, also as the one that was live before.',
    example: 'cservice proxy history 50 --version v3',
  },
  async run(args, host) {
    const { words, options } = takeOptions(historyCommand, args, { version: 'value' })
    const count = wholeNumber(historyCommand, words, 0, { minimum: 1, maximum: 10_000, what: 'number of entries' })
    refuseMore(historyCommand, words, 1)
    const { version: wanted } = options
    const { journal } = await host.get()
    const isWanted = ({ version, previous }: { version: string | null; previous?: string | null }) =>
      wanted === undefined || version === wanted || previous === wanted
    return { entries: await journal.last(count ?? usualCount, isWanted) }
  },
}
