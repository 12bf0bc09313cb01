import { commandOf, knownUsages } from './known-commands.ts'
import { declareOptions } from './options.ts'

/** The help that needs no gateway. */
export function staticHelp(): string {
  return `cservice – versioned deployment gateway

Usage
  cservice <command> [options]     runs a command, here or in the gateway that runs
  cserviced proxy start <file>     starts a gateway in the background

Commands
${helpOf()}

Options (also in kebab-case)
${optionLines()}

Examples
  cservice proxy start proxy.json          start the gateway in the foreground
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
  return declareOptions()
    .options.filter((option) => !option.hidden)
    .map((option) => {
      const flags = option.flags.replace(/-([a-z])(?=[a-z]*)/g, (match, letter: string, offset: number, all: string) =>
        /[a-z]/.test(all[offset - 1] ?? '') ? letter.toUpperCase() : match,
      )
      const preset = option.defaultValue === undefined ? '' : ` (default: ${option.defaultValue})`
      return `  ${flags.padEnd(24)} ${option.description}${preset}`
    })
    .join('\n')
}
