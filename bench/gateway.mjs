// A gateway of its own for a benchmark: two versions of the same small worker, one proxy process, free ports.
import { execFile, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { temporaryFolder, track } from './leftovers.mjs'
import { onCore } from './machine.mjs'
import { environment, freePort, stop } from './processes.mjs'

export const program = fileURLToPath(new URL('../dist/cli/cservice.js', import.meta.url))
export const workerFile = fileURLToPath(new URL('worker.js', import.meta.url))
const startDeadline = 20_000
const versionPortCount = 200

/**
 * Runs `use` with a gateway whose live version is v1, beside versions that do not run; stops it afterwards.
 * @param settings more of proxy.json
 * @param setting `core` for the supervisor and what it starts; `versions`: their names, v1 first; `tls`: files of a
 *   certificate, for a second binding; `addWorker(folder)`, which puts the worker file into the folder of a version
 */
export async function withGateway(use, settings = {}, setting = {}) {
  const { core = null, versions = ['v1', 'v2'], tls = null, addWorker = copyWorker } = setting
  const folder = temporaryFolder()
  const [port, tlsPort, controlPort] = await Promise.all([freePort(), freePort(), freePort()])
  const firstVersionPort = await freeRange([port, tlsPort, controlPort])
  for (const version of versions) {
    mkdirSync(join(folder, version))
    addWorker(join(folder, version))
  }
  const bindings = [{ port, host: '127.0.0.1', workerCount: 1 }]
  if (tls !== null) bindings.push({ port: tlsPort, host: '127.0.0.1', workerCount: 1, tlsOptions: tls })
  const config = {
    defaultVersion: 'v1',
    workerCount: 1,
    bindings,
    versionPorts: `${firstVersionPort}-${firstVersionPort + versionPortCount - 1}`,
    ...settings,
  }
  writeFileSync(join(folder, 'proxy.json'), JSON.stringify(config))
  const words = [process.execPath, program, 'proxy', 'start', join(folder, 'proxy.json'), '--port', String(controlPort)]
  const [file, ...rest] = onCore(core, words)
  const child = track(spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: environment() }))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  try {
    const gateway = {
      port,
      tlsPort: tls === null ? null : tlsPort,
      controlPort,
      pid: child.pid,
      command: (...line) => command(controlPort, line),
    }
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

/** The first of so many ports that are none of those given. */
async function freeRange(taken) {
  for (;;) {
    const first = await freePort()
    const isApart = taken.every((port) => port < first || port >= first + versionPortCount)
    if (isApart && first + versionPortCount < 65_536) return first
  }
}

function copyWorker(folder) {
  copyFileSync(workerFile, join(folder, 'worker.js'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
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
    const isServing = info?.versions?.some(({ name, ports }) => name === 'v1' && ports.length > 0)
    if (isServing && info.proxyWorkers.every(({ epoch }) => epoch > 0)) return
    if (performance.now() > end) throw new Error(`the gateway is not ready after ${startDeadline} ms`)
    await delay(50)
  }
}
