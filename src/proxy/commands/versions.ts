import { describeVersions } from '../retention/describe-versions.ts'
import { refuseMore } from './arguments.ts'
import type { Subcommand } from './subcommand.ts'

export const versionsCommand: Subcommand = {
  name: 'versions',
  usage: 'proxy versions',
  help: {
    info: 'Lists the versions on disk, lowest first: what keeps each of them, state, workers, size, age, and when it was last used.',
    example: 'cservice proxy versions',
  },
  async run(args, host) {
    refuseMore(versionsCommand, args, 0)
    return await describeVersions(await host.get())
  },
}
