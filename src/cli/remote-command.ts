import { resolve } from 'node:path'
import { findModule } from '../common/find-file.ts'
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

/** Which word of a command is the path of a worker. */
const workerPathAt = new Map([
  ['start', 1],
  ['upgrade', 2],
])

/** The gateway may run in another directory than this: a path that means a file here is that file there. */
function withAbsolutePath(words: readonly string[]): readonly string[] {
  if (isProxyStart(words)) return words.map((word, index) => (index === 2 ? resolve(word) : word))
  const place = workerPathAt.get(words[0] ?? '')
  return words.map((word, index) => (index === place ? (findModule(word, [process.cwd()]) ?? word) : word))
}
