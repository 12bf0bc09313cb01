import type { CommandContext, CommandHelp } from '../../supervisor/control/command.ts'
import type { ProxyHost } from '../proxy-host.ts'

/** One word after `proxy`. One file each. */
export interface Subcommand {
  readonly name: string
  /** How it is written: `proxy promote <version> [workers]`. */
  readonly usage: string
  readonly help: CommandHelp
  /** @param args the words after the subcommand, as text */
  run(args: readonly string[], host: ProxyHost, context: CommandContext): Promise<unknown>
}
