import type { Command } from '../control/command.ts'
import type { CommandRegistry } from '../control/command-registry.ts'

/** Lists the commands, or explains one. Says of an unknown one that it is not there, which is an answer, not an error. */
export function helpCommand(registry: CommandRegistry): Command {
  return {
    name: 'help',
    level: 'local',
    isVisible: true,
    help: {
      info: 'Lists the commands, or explains one.',
      command: 'help [command_name]',
      command_name: 'Optional if you want extended help',
      example: 'cservice help proxy',
    },
    runsAtOnce: () => true,
    run: async (_args, { words: [name] }) => (name === undefined ? list(registry) : await explain(registry, name)),
  }
}

function list(registry: CommandRegistry): unknown {
  return {
    more: "Commands (Use 'help [command_name]' for more details)",
    commands: registry
      .list()
      .filter((command) => command.isVisible)
      .map((command) => command.name),
  }
}

async function explain(registry: CommandRegistry, name: string): Promise<unknown> {
  const command = registry.get(name)
  if (command === undefined) {
    const meant = registry.nearest(name)
    return { command: name, err: 'Command not found', ...(meant === null ? {} : { more: `Did you mean '${meant}'?` }) }
  }
  const help = typeof command.help === 'function' ? await command.help() : command.help
  const isEmpty = !help || (typeof help === 'object' && Object.keys(help).length === 0)
  return isEmpty ? { command: name, more: 'No additional details found.' } : help
}
