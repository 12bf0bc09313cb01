import { sendCommand } from '../../supervisor/control/client.ts'
import type { Options } from '../options.ts'
import type { Output } from '../output.ts'
import { runRemotely } from '../remote-command.ts'
import { openConsole } from './open.ts'
import { wordsOf } from './show.ts'
import { ServiceWatch } from './watch-service.ts'

/**
 * A console for the service that runs at the control address: each line is a command there. On a terminal until it is left;
 * otherwise until the input ends.
 * @returns the exit code: 0 when it was left, that of the last line that failed when the input was no terminal, 3 when no
 *   service answers or the service went away unasked
 */
export async function attachConsole(options: Options, output: Output): Promise<number> {
  try {
    await sendCommand('version', options, options.timeout ?? 0)
  } catch (error) {
    return await output.failure(error)
  }
  let isGone = false
  let wasShutDown = false
  const terminal = openConsole({
    kind: 'attached',
    isJson: output.isJson,
    runLine: async (line, onProgress) => {
      const words = wordsOf(line)
      const answer = await runRemotely(words, options, onProgress)
      if (words[0] === 'shutdown' && words[1] === 'all') wasShutDown = true
      return answer
    },
  })
  const watch = new ServiceWatch(
    (timeoutMs) => sendCommand('version', options, timeoutMs),
    () => {
      isGone = true
      terminal.close('The service has ended.')
    },
  )
  const { exitCode } = await terminal.ended
  watch.stop()
  return isGone && !wasShutDown ? 3 : exitCode
}
