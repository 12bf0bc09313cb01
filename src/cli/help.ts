import { toCamel } from './canonical.ts'
import { commandOf, knownUsages } from './known-commands.ts'
import { declareOptions } from './options.ts'

/** The help that needs no gateway. */
export function staticHelp(): string {
  return `cservice – versioned deployment gateway and process supervisor

Usage
  cservice proxy start <proxy.json>   starts a gateway here, in the foreground
  cservice <server.js>                starts a plain service: workers that share their ports
  cservice <config.json>              the same, with a configuration
  cserviced …                         starts any of these in the background
  cservice <command> [options]        runs a command in the service that runs

Commands
${helpOf()}

Options (also in kebab-case, and as --cs.<name>; what follows -- is for the workers)
${optionLines()}

Examples
  cservice proxy start proxy.json          start the gateway in the foreground
  cservice server.js --workerCount 4       start a plain service with 4 workers
  cservice "upgrade all server2.js"        replace them with another program
  cservice proxy promote v3 4              make v3 live, with 4 workers
  cservice proxy info --json | jq .        what is there, for a script
  CSERVICE_ACCESS_KEY=… cservice health --host gateway.example

Exit codes
  0 done · 1 the command or the service failed · 2 wrong usage · 3 no gateway answers · 4 not authorised`
}

/** Usage and summary of the commands named, or of all; a command that is not known here has its name only. */
export function helpOf(names: readonly string[] = [...new Set(knownUsages.map(commandOf))]): string {
  return names
    .flatMap((name) => {
      const usages = knownUsages.filter((known) => commandOf(known) === name)
      return usages.length === 0 ? [`  ${name}`] : usages.map((known) => `  ${known.usage.padEnd(36)} ${known.summary}`)
    })
    .join('\n')
}

/** The help of one command without a gateway, with an example for each of its forms; null for a command not known here. */
export function staticHelpOf(name: string): string | null {
  const usages = knownUsages.filter((known) => commandOf(known) === name)
  if (usages.length === 0) return null
  return usages.map((known) => `${known.usage}\n  ${known.summary}\n  Example: ${known.example}`).join('\n\n')
}

function optionLines(): string {
  const width = 36
  return declareOptions()
    .options.filter((option) => !option.hidden)
    .map((option) => {
      const flags = option.long === '--ssl' ? '--ssl.<name> <value>' : toCamel(option.flags)
      const preset = option.defaultValueDescription === undefined ? '' : ` (default: ${option.defaultValueDescription})`
      return `  ${flags.padEnd(width)} ${option.description}${preset}`
    })
    .join('\n')
}
