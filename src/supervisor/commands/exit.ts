import { CserviceError } from '../../common/errors.ts'
import type { Command } from '../control/command.ts'

/** The answer is on its way before the process ends. */
const answerMs = 100

/** @param killService ends everything at once, this process as well */
export function exitCommand(killService: () => void): Command {
  return {
    name: 'exit',
    level: 'local',
    isVisible: true,
    help: {
      info: 'Forcefully exits the service.',
      command: 'exit now',
      now: "Required. 'now' to force exit.",
      example: 'cservice exit now',
    },
    runsAtOnce: () => true,
    async run(_args, { words }) {
      if (words.length !== 1 || words[0] !== 'now') {
        throw new CserviceError('BAD_USAGE', "Invalid request, 'now' required. Try help exit", {
          hint: 'cservice help exit',
        })
      }
      setTimeout(killService, answerMs)
      return 'Exiting now.'
    },
  }
}
