import { CserviceError } from '../../common/errors.ts'
import type { CommandContext } from '../../supervisor/control/command.ts'
import type { RolloutConfig } from '../config/proxy-config.ts'
import type { Gateway } from '../gateway.ts'
import { previewRollout } from '../rollout/preview-rollout.ts'
import { readRolloutOrder } from '../rollout/rollout-order.ts'
import { refuseMore, requireWord } from './arguments.ts'
import { takeFlags } from './flags.ts'
import type { Subcommand } from './subcommand.ts'

const options = { steps: true, every: true, guard: true, workers: true, dryRun: false }

export const rolloutCommand: Subcommand = {
  name: 'rollout',
  usage: 'proxy rollout <version> <share>|pause|resume|abort|status',
  help: {
    info: 'Gives a share of the clients that name no version another one, in steps, and makes it live at 100%. With a guard it is compared with the live version, and taken back by itself if it is worse.',
    version: 'Required. The candidate; or, without anything behind it, pause, resume, abort, status.',
    share: 'A percentage such as 10%, which stays; or --steps 1,10,50,100 --every 5m.',
    '* --guard': 'What it must not do: errors<1%, errors<2x, p99<1.5x, p95<200ms, with commas between.',
    '* --workers': 'Its workers. Default: in proportion to the share.',
    '* --dry-run': 'Shows what would be done, and does nothing.',
    example: 'cservice proxy rollout v4 --steps 1,10,50,100 --every 5m --guard "errors<1%,p99<1.5x"',
  },
  async run(args, host, context) {
    const { words, flags } = takeFlags(rolloutCommand, args, options)
    const first = requireWord(rolloutCommand, words, 0, 'the version')
    // With a share or an option it is a version that is called so.
    const steer = words.length === 1 && flags.size === 0 ? steering.get(first) : undefined
    if (steer !== undefined) return steer(await host.get(), context)
    refuseMore(rolloutCommand, words, 2)
    const [steps, every, guard, workers] = ['steps', 'every', 'guard', 'workers'].map((name) => flags.get(name))
    const order = readRolloutOrder({ version: first, share: words[1], steps, every, guard, workers })
    if (typeof order === 'string') throw badUsage(order)
    const gateway = await host.get()
    return flags.has('dryRun') ? previewRollout(gateway, order) : start(gateway, order, context)
  },
}

type Steer = (gateway: Gateway, context: CommandContext) => Promise<unknown>

const steering: ReadonlyMap<string, Steer> = new Map<string, Steer>([
  ['pause', ({ rollout }, { caller }) => rollout.pause(caller.name)],
  ['resume', ({ rollout }, { caller }) => rollout.resume(caller.name)],
  ['abort', ({ rollout }, { caller }) => rollout.abort(caller.name)],
  ['status', async ({ rollout }) => rollout.status],
])

/** 100 % as the first step is a promote. */
async function start(gateway: Gateway, order: RolloutConfig, { caller }: CommandContext): Promise<unknown> {
  if (order.steps[0] !== 100) return gateway.rollout.start(order, caller.name)
  gateway.rollout.check(order.version)
  return gateway.promote(order.version, order.workers ?? gateway.config.workerCount, caller.name)
}

function badUsage(why: string): CserviceError {
  return new CserviceError('BAD_USAGE', `${rolloutCommand.usage}: ${why}`, { hint: 'cservice help proxy' })
}
