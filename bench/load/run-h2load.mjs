import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { onCore } from '../machine.mjs'
import { environment } from '../processes.mjs'

const run = promisify(execFile)

/** HTTP/2 over TLS with h2load: so many connections of so many streams. @returns as `runLoad` does, without latencies */
export async function runH2load({ port, headers, core }, { path, connections, streams }, seconds) {
  const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const options = ['-t1', `-c${connections}`, `-m${streams}`, `-D${Math.max(1, Math.round(seconds))}`]
  const [program, ...words] = onCore(core, ['h2load', ...options, ...fields, `https://127.0.0.1:${port}${path}`])
  const { stdout } = await run(program, words, { env: environment() })
  const number = (pattern) => Number(pattern.exec(stdout)?.[1] ?? Number.NaN)
  const requests = number(/(\d+) 2xx/)
  const failures =
    number(/(\d+) failed/) +
    number(/(\d+) errored/) +
    number(/(\d+) timeout/) +
    number(/(\d+) 4xx/) +
    number(/(\d+) 5xx/)
  if (!(requests > 0) || !/^Application protocol: h2$/m.test(stdout)) throw new Error(`h2load: ${stdout}`)
  return { requests, seconds, failures }
}
