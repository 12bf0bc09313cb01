// A plain service of its own for a benchmark: some workers of one program that share a port, commands over REST.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { program, workerFile } from './gateway.mjs'
import { temporaryFolder, track } from './leftovers.mjs'
import { environment, freePort, stop } from './processes.mjs'

const accessKey = 'bench'
const greeting = /Ctrl-C stops it/
const startDeadline = 20_000

/** Runs `use` with a service of so many workers, whose port is `port`; stops it afterwards. */
export async function withService(workers, use) {
  const folder = temporaryFolder()
  const [port, controlPort] = await Promise.all([freePort(), freePort()])
  const words = [program, workerFile, '--workerCount', String(workers), '--port', String(controlPort), '--silent']
  const child = track(
    spawn(process.execPath, words, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...environment(), CSERVICE_ACCESS_KEY: accessKey, PROXY_PORT: String(port) },
    }),
  )
  let output = ''
  try {
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    await untilReady(child, () => output)
    return await use({ port, command: (line) => command(controlPort, line) })
  } catch (error) {
    console.error(output)
    throw error
  } finally {
    await stop(child)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function command(controlPort, line) {
  const res = await fetch(`http://localhost:${controlPort}/cli?cmd=`, {
    method: 'POST',
    headers: { authorization: `Bearer ${accessKey}` },
    body: line,
  })
  const text = await res.text()
  if (res.status !== 200) throw new Error(`${line}: ${res.status} ${text}`)
  return JSON.parse(text)
}

async function untilReady(child, output) {
  const signal = AbortSignal.timeout(startDeadline)
  while (!greeting.test(output())) {
    if (child.exitCode !== null) throw new Error(`the service exited ${child.exitCode}`)
    await Promise.race([once(child.stdout, 'data', { signal }), once(child, 'exit', { signal })])
  }
}
