import { explainRequest } from '../explain-request.ts'
import { badUsage } from './arguments.ts'
import { readAskedRequest } from './asked-request.ts'
import type { Subcommand } from './subcommand.ts'

export const whyCommand: Subcommand = {
  name: 'why',
  usage: 'proxy why [method] <path> [-H …]',
  help: {
    info: 'Tells which version a request would go to, and who decides on that, without sending it. A path or a URL, headers as for curl; --address is where the client comes from.',
    example: "cservice proxy why GET /a -H 'x-version: ^2'",
  },
  async run(args, host) {
    const request = readAskedRequest(args)
    if ('problem' in request) throw badUsage(whyCommand, request.problem)
    return explainRequest(await host.get(), request)
  },
}
