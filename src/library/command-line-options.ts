import { accessKeyVariable, parseArguments, passphraseVariable } from '../cli/parse-arguments.ts'
import { toCommandLine } from '../supervisor/control/command-line.ts'
import type { StartOptions } from './options.ts'

/**
 * What the command line of this program asks for, understood as that of `cservice`: a service, or a command to `run`.
 * @throws CserviceError UNKNOWN_OPTION, BAD_USAGE
 */
export function optionsOfCommandLine(): StartOptions {
  const invocation = parseArguments(process.argv.slice(2), process.env)
  // As in the command line itself: workers inherit the environment, and a secret is nobody's business there.
  for (const name of [accessKeyVariable, passphraseVariable]) delete process.env[name]
  return invocation.kind === 'command'
    ? { ...invocation.given, run: toCommandLine(invocation.words) }
    : { ...invocation.given }
}
