// A gateway of its own for a benchmark: two versions of the same small worker, one proxy process, free ports.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const program = fileURLToPath(new URL('../dist/cli/cservice.js', import.meta.url))
export const workerFile = fileURLToPath(new URL('worker.js', import.meta.url))
const startDeadline = 20_000

/**
 * Runs `use` with a gateway whose live version is v1, beside a version v2 that does not run; stops it afterwards.
 * @param settings more of proxy.json
 */
export async function withGateway(use, settings = {}) {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'cservice-bench-'))
  const [port, controlPort, firstVersionPort] = await Promise.all([freePort(), freePort(), freePort()])
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(folder, version))
    copyFileSync(workerFile, join(folder, version, 'worker.js'))
    writeFileSync(join(folder, version, 'package.json'), '{ "type": "module" }')
  }
  const config = {
    defaultVersion: 'v1',
    workerCount: 1,
    bindings: [{ port, host: '127.0.0.1', workerCount: 1 }],
    versionPorts: `${firstVersionPort}-${Math.min(firstVersionPort + 200, 65_000)}`,
    ...settings,
  }
  writeFileSync(join(folder, 'proxy.json'), JSON.stringify(config))
  const words = [program, 'proxy', 'start', join(folder, 'proxy.json'), '--port', String(controlPort)]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'], env: environment() })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  try {
    const gateway = { port, pid: child.pid, command: (...line) => command(controlPort, line) }
    await untilReady(gateway, child)
    return await use(gateway)
  } catch (error) {
    console.error(output)
    throw error
  } finally {
    await stop(child)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a benchmark may inherit: nothing that makes the gateway or its workers do more than they do for a user. */
export function environment() {
  const { NODE_OPTIONS, NODE_V8_COVERAGE, ...rest } = process.env
  return { ...rest, NO_COLOR: '1', CSERVICE_LOG_LEVEL: 'warn' }
}

/** User and system time of a process so far, in clock ticks. Linux only. */
export function cpuTicks(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // utime and stime are fields 14 and 15 of proc(5); the second is a name in parentheses that may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

async function command(controlPort, line) {
  const words = [program, ...line, '--json', '--port', String(controlPort)]
  return new Promise((resolve, reject) => {
    execFile(process.execPath, words, { env: environment(), timeout: 60_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`cservice ${line.join(' ')}: ${stdout}${stderr}`, { cause: error }))
      else resolve(JSON.parse(stdout))
    })
  })
}

async function untilReady(gateway, child) {
  const end = performance.now() + startDeadline
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the gateway exited ${child.exitCode}`)
    const info = await gateway.command('proxy', 'info').catch(() => null)
    if (info?.versions?.some(({ name, ports }) => name === 'v1' && ports.length > 0)) return
    if (performance.now() > end) throw new Error(`the gateway is not ready after ${startDeadline} ms`)
    await delay(50)
  }
}

/** Ends a program gracefully, and by force when it does not. */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const limit = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await exited
  clearTimeout(limit)
}

export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
