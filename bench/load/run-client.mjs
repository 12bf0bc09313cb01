import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { track } from '../leftovers.mjs'
import { onCore } from '../machine.mjs'
import { environment } from '../processes.mjs'

const deadline = 180_000

/**
 * Runs one of the clients of our own in a process of its own, on a core of its own.
 * @param task what it is told, in JSON; its messages come back as they are: the last one is the result
 * @param onMessage for the messages before; may answer with a message, which the client waits for
 */
export async function runClient(file, { core, ...task }, onMessage = async () => null) {
  const path = fileURLToPath(new URL(`clients/${file}`, import.meta.url))
  const [program, ...words] = onCore(core, [process.execPath, path, JSON.stringify(task)])
  const child = track(spawn(program, words, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'], env: environment() }))
  const exited = once(child, 'exit')
  let output = ''
  let result = null
  child.stderr.setEncoding('utf8').on('data', (text) => (output += text))
  child.on('message', async (message) => {
    if ('result' in message) result = message.result
    else child.send((await onMessage(message)) ?? {})
  })
  const limit = setTimeout(() => child.kill('SIGKILL'), deadline)
  const [code, signal] = await exited
  clearTimeout(limit)
  if (signal === 'SIGKILL') throw new Error(`${file} did not end within ${deadline / 1_000} s`)
  if (code !== 0 || result === null)
    throw new Error(`${file} ended with ${code}: ${/^\w*Error: .*/m.exec(output) ?? output}`)
  return result
}
