import { parseArguments } from '../cli/parse-arguments.ts'
import type { StartOptions } from './options.ts'

/** What the command line of this program asks for. @throws CserviceError UNKNOWN_OPTION, BAD_USAGE */
export function optionsOfCommandLine(): StartOptions {
  const { options } = parseArguments(process.argv.slice(2), process.env)
  return options as unknown as StartOptions
}
