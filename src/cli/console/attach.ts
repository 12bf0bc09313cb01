import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { sendCommand } from '../../supervisor/control/client.ts'
import { toCommandLine } from '../../supervisor/control/command-line.ts'
import type { Options } from '../options.ts'
import type { Output } from '../output.ts'
import { openConsole } from './open.ts'
import { wordsOf } from './show.ts'
import { ServiceWatch } from './watch-service.ts'

/** The client as a console uses it: one that tells of progress, if it can. */
const send: (
  line: string,
  address: Options,
  timeoutMs: number,
  watch: { onProgress(text: string): void },
) => Promise<unknown> = sendCommand

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
      const sent = withAbsolutePath(line)
      const answer = await send(sent, options, options.timeout ?? 0, { onProgress })
      if (/^shutdown\s+all\b/.test(sent)) wasShutDown = true
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

/** The service runs in another directory: a file that is here is meant as it is here. */
function withAbsolutePath(line: string): string {
  const words = wordsOf(line)
  const index = pathIndex(words)
  const path = words[index]
  if (path === undefined || !existsSync(path)) return line
  return toCommandLine(words.with(index, resolve(path)))
}

function pathIndex([name, second]: readonly string[]): number {
  if (name === 'start') return 1
  return name === 'upgrade' || (name === 'proxy' && second === 'start') ? 2 : -1
}
