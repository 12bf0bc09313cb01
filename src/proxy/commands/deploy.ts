import { CserviceError } from '../../common/errors.ts'
import type { ByteRoute, CommandContext } from '../../supervisor/control/command.ts'
import { deployUsage, deployWordsOf, parseDeployWords } from '../releases/deploy-order.ts'
import { findSource } from '../releases/open-source.ts'
import type { Subcommand } from './subcommand.ts'

export const deployCommand: Subcommand = {
  name: 'deploy',
  usage: deployUsage,
  help: {
    info: 'Takes in a new version: a .tgz or .tar (npm pack), a folder, or - for standard input. It is unpacked and checked, installed if proxy.json says how, started on trial, and only then a version; if a step fails, nothing is left of it.',
    source: 'Required. It is sent to the gateway, which may be on another machine.',
    '* as': 'The name of the version. Default: what its package.json says, or the name of the file.',
    '* promote': 'Makes it live afterwards, with so many workers.',
    '* sha256': 'The digest that the archive must have.',
    '* dry-run': 'Unpacks and checks it, says what it would be, and keeps nothing.',
    example: 'cservice proxy deploy app-2.4.0.tgz --promote',
  },
  async run(args, host, context) {
    const order = parseDeployWords(args)
    const gateway = await host.get()
    const bytes = context.body ?? (await openHere(order.source, context))
    const { caller, signal, report } = context
    return await gateway.releases.deploy(bytes, order, { by: caller.name, signal, report })
  },
}

export const deployRoute: ByteRoute = {
  method: 'POST',
  path: '/deploy',
  toWords: (query) => ['deploy', ...deployWordsOf(query)],
}

/** A program may name a file of its own; to whoever calls from elsewhere a path means nothing here. */
async function openHere(source: string, { caller }: CommandContext): Promise<AsyncIterable<Uint8Array>> {
  if (caller.level === 'inproc') return (await findSource(source, null)).open()
  throw new CserviceError('BAD_USAGE', 'No release came with the command: proxy deploy needs its bytes', {
    hint: 'cservice proxy deploy <file> sends them; by REST: POST /deploy?as=<version> with the archive as the body.',
  })
}
