import { refuseMore } from './arguments.ts'
import type { Subcommand } from './subcommand.ts'

export const stopCommand: Subcommand = {
  name: 'stop',
  usage: 'proxy stop',
  help: {
    info: 'Stops the proxy processes and the workers of all versions, gracefully; the rest of the service goes on.',
    example: 'cservice proxy stop',
  },
  async run(args, host) {
    refuseMore(stopCommand, args, 0)
    const gateway = await host.get()
    const ports = gateway.processes.bindings.map(({ port }) => port)
    await host.stop()
    return { stopped: true, ports }
  },
}
