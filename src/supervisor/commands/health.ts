import { CserviceError } from '../../common/errors.ts'
import type { Command } from '../control/command.ts'

/**
 * Tells the truth: "OK", or an error that names what is wrong.
 * @param findProblems what an operator should look at, a sentence each
 */
export function healthCommand(findProblems: () => Promise<readonly string[]>): Command {
  return {
    name: 'health',
    level: 'remote',
    isVisible: true,
    help: {
      info: 'Returns health of service. May be overidden by service to expose app-specific data.',
      command: 'health',
      example: 'cservice health && echo well',
    },
    runsAtOnce: () => true,
    async run() {
      const problems = await findProblems()
      if (problems.length > 0) throw new CserviceError('UNHEALTHY', problems.join('; '), { details: { problems } })
      return 'OK'
    },
  }
}
