import { resolve } from 'node:path'
import { sendCommand } from '../supervisor/control/client.ts'
import { toCommandLine } from '../supervisor/control/command-line.ts'
import type { Options } from './options.ts'
import { isProxyStart } from './proxy-start.ts'

/**
 * Has the gateway that runs carry out a command.
 * @throws CserviceError as `sendCommand`
 */
export function runRemotely(words: readonly string[], options: Options): Promise<unknown> {
  return sendCommand(toCommandLine(withAbsolutePath(words)), options, options.timeout ?? 0)
}

/** The gateway runs in another directory than this. */
function withAbsolutePath(words: readonly string[]): readonly string[] {
  const path = words[2]
  return isProxyStart(words) && path !== undefined ? [...words.slice(0, 2), resolve(path), ...words.slice(3)] : words
}
