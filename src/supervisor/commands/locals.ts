import type { Command } from '../control/command.ts'
import { describeSafely } from '../control/describe-safely.ts'

/**
 * Shows the inner state of the service: for whoever looks for a fault.
 * @param describe the state, whatever it holds: secrets are masked and cycles are cut here
 */
export function localsCommand(describe: () => unknown): Command {
  return {
    name: 'locals',
    level: 'local',
    isVisible: false,
    help: { info: 'Shows the inner state of the service.', command: 'locals', example: 'cservice locals' },
    runsAtOnce: () => true,
    run: async () => describeSafely(describe()),
  }
}
