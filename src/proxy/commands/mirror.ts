import { CserviceError } from '../../common/errors.ts'
import { readShare } from '../rollout/rollout-order.ts'
import { refuseMore, requireWord } from './arguments.ts'
import type { Subcommand } from './subcommand.ts'

export const mirrorCommand: Subcommand = {
  name: 'mirror',
  usage: 'proxy mirror <version> <share>|off',
  help: {
    info: 'Sends copies of GET and HEAD requests that name no version to another version, and throws its answers away. Clients wait for none of it.',
    version: 'Required. The version; or off, without a share.',
    share: 'Of these requests, how many are copied: 5%.',
    example: 'cservice proxy mirror v4 5%',
  },
  async run(args, host, { caller }) {
    const version = requireWord(mirrorCommand, args, 0, 'the version, or off')
    // With a share it is a version that is called so.
    if (version === 'off' && args.length === 1) {
      return { mirror: null, was: await (await host.get()).mirroring.stop(caller.name) }
    }
    const share = readShare(requireWord(mirrorCommand, args, 1, 'the share, such as 5%,'))
    refuseMore(mirrorCommand, args, 2)
    if (typeof share === 'string') {
      throw new CserviceError('BAD_USAGE', `${mirrorCommand.usage}: ${share}`, { hint: 'cservice help proxy' })
    }
    const { mirroring } = await host.get()
    return { mirror: await mirroring.start({ version, share: share / 100 }, caller.name) }
  },
}
