import { sendCommand } from '../supervisor/control/client.ts'
import { toCommandLine } from '../supervisor/control/command-line.ts'
import { withAbsolutePath } from './absolute-path.ts'
import type { Options } from './options.ts'

/**
 * Has the service that runs carry out a command. @param onProgress told how far a long one is
 * @throws CserviceError as `sendCommand`
 */
export function runRemotely(
  words: readonly string[],
  options: Options,
  onProgress?: (text: string) => void,
): Promise<unknown> {
  const watch = onProgress === undefined ? {} : { onProgress }
  return sendCommand(toCommandLine(withAbsolutePath(words)), options, options.timeout ?? 0, watch)
}
