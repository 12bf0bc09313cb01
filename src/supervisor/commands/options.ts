import type { Command } from '../control/command.ts'
import { describeSafely } from '../control/describe-safely.ts'

/**
 * Shows the options that the service runs with.
 * @param describe the options, whatever they hold: secrets are masked here
 */
export function optionsCommand(describe: () => unknown): Command {
  return {
    name: 'options',
    level: 'local',
    isVisible: false,
    help: { info: 'Shows the options of the service.', command: 'options', example: 'cservice options' },
    runsAtOnce: () => true,
    run: async () => describeSafely(describe()),
  }
}
