import { sendCommand } from '../supervisor/control/client.ts'
import { toCommandLine } from '../supervisor/control/command-line.ts'
import { withAbsolutePath } from './absolute-path.ts'
import type { Options } from './options.ts'

/**
 * Has the service that runs carry out a command. @param onProgress told how far a long one is
 * @throws CserviceError as `sendCommand`
 */
export async function runRemotely(
  words: readonly string[],
  options: Options,
  onProgress?: (text: string) => void,
): Promise<unknown> {
  const [name, subcommand, ...rest] = words
  // These read and write files here, not where the service runs.
  if (name === 'proxy' && subcommand === 'deploy') {
    const { sendRelease } = await import('../proxy/releases/send-release.ts')
    const { timeout: timeoutMs = 0 } = options
    return await sendRelease(rest, options, { stdin: process.stdin, timeoutMs, ...(onProgress ? { onProgress } : {}) })
  }
  if (name === 'proxy' && subcommand === 'pack') {
    const { fetchRelease } = await import('./fetch-release.ts')
    return await fetchRelease(rest, options)
  }
  const watch = onProgress === undefined ? {} : { onProgress }
  return await sendCommand(toCommandLine(withAbsolutePath(words)), options, options.timeout ?? 0, watch)
}
