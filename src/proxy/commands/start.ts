import { describeGateway } from '../describe-gateway.ts'
import { refuseMore, requireWord } from './arguments.ts'
import type { Subcommand } from './subcommand.ts'

export const startCommand: Subcommand = {
  name: 'start',
  usage: 'proxy start <proxy.json>',
  help: {
    info: 'Starts the proxy with a configuration file: opens its ports and starts the live version.',
    example: 'cservice proxy start versions/proxy.json',
  },
  async run(args, host) {
    const file = requireWord(startCommand, args, 0, 'the configuration file')
    refuseMore(startCommand, args, 1)
    return describeGateway(await host.start(file))
  },
}
