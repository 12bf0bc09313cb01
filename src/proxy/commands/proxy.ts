import { CserviceError } from '../../common/errors.ts'
import type { Command } from '../../supervisor/control/command.ts'
import type { ProxyHost } from '../proxy-host.ts'
import { deployCommand, deployRoute } from './deploy.ts'
import { diffCommand } from './diff.ts'
import { historyCommand } from './history.ts'
import { infoCommand } from './info.ts'
import { mirrorCommand } from './mirror.ts'
import { packCommand, packRoute } from './pack.ts'
import { promoteCommand } from './promote.ts'
import { removeCommand } from './remove.ts'
import { rollbackCommand } from './rollback.ts'
import { rolloutCommand } from './rollout.ts'
import { startCommand } from './start.ts'
import { stopCommand } from './stop.ts'
import type { Subcommand } from './subcommand.ts'
import { versionCommand } from './version.ts'
import { versionsCommand } from './versions.ts'
import { whyCommand } from './why.ts'

const subcommands: readonly Subcommand[] = [
  startCommand,
  stopCommand,
  versionCommand,
  promoteCommand,
  rolloutCommand,
  mirrorCommand,
  deployCommand,
  packCommand,
  rollbackCommand,
  historyCommand,
  diffCommand,
  versionsCommand,
  removeCommand,
  infoCommand,
  whyCommand,
]

/** The command `proxy`, whose first word says which of its subcommands is meant. */
export function proxyCommand(host: ProxyHost): Command {
  const byName = new Map(subcommands.map((subcommand) => [subcommand.name, subcommand]))
  return {
    name: 'proxy',
    level: 'local',
    isVisible: true,
    routes: [deployRoute, packRoute],
    help: {
      info: 'Starts, stops and steers the versioned deployment gateway.',
      command: `proxy ${subcommands.map(({ name }) => name).join('|')}`,
      ...Object.fromEntries(subcommands.map(({ usage, help }) => [usage, `${help.info} Example: ${help.example}`])),
    },
    // The gateway knows which of its changes must not meet, and lets the others run side by side.
    runsAtOnce: () => true,
    async run(_args, context) {
      const [name, ...rest] = context.words
      const subcommand = byName.get(name ?? '')
      if (!subcommand) {
        throw new CserviceError(
          'BAD_USAGE',
          `Proxy command ${name ?? ''} not recognized. Try 'help proxy' for more info.`,
        )
      }
      return subcommand.run(rest, host, context)
    },
  }
}
