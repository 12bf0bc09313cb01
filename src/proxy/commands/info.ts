import { describeGateway } from '../describe-gateway.ts'
import { refuseMore } from './arguments.ts'
import type { Subcommand } from './subcommand.ts'

export const infoCommand: Subcommand = {
  name: 'info',
  usage: 'proxy info',
  help: {
    info: 'Shows the bindings, what is live, and every version with its workers, requests and errors.',
    example: 'cservice proxy info --json',
  },
  async run(args, host) {
    refuseMore(infoCommand, args, 0)
    return describeGateway(await host.get())
  },
}
