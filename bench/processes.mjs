// Programs that a benchmark starts: on one core, until their port accepts, with what they cost.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { track } from './leftovers.mjs'
import { onCore, ticksPerSecond } from './machine.mjs'

const startDeadline = 30_000
const stopDeadline = 15_000
const rememberedOutput = 4_000
const microsecondsPerTick = process.platform === 'linux' ? 1e6 / ticksPerSecond() : Number.NaN

/**
 * Starts a program that listens, and waits until its port accepts.
 * @returns its pids, those of its children included, and how to stop it
 * @throws Error with its last output, when it ends or does not listen in time
 */
export async function startProgram(words, { core, port, env = environment(), cwd }) {
  const [program, ...rest] = onCore(core, words)
  const child = track(spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd }))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-rememberedOutput)))
  }
  try {
    await untilAccepting(port, child)
  } catch (error) {
    await stop(child)
    throw new Error(`${words.join(' ')}: ${error.message}\n${output}`, { cause: error })
  }
  return { pids: () => familyOf(child.pid), stop: () => stop(child) }
}

/** What a benchmark may inherit: nothing that makes the gateway or its workers do more than they do for a user. */
export function environment() {
  const { NODE_OPTIONS, NODE_V8_COVERAGE, ...rest } = process.env
  const path = `${rest.PATH ?? ''}:/usr/sbin:/sbin`
  return { ...rest, PATH: path, NO_COLOR: '1', CSERVICE_LOG_LEVEL: 'warn' }
}

/** Ends a program gracefully, and by force when it does not. */
export async function stop(child) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const limit = setTimeout(() => child.kill('SIGKILL'), stopDeadline)
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

/** User and system time of some processes so far, in microseconds; NaN where there is no /proc. */
export function cpuMicroseconds(pids) {
  if (process.platform !== 'linux') return Number.NaN
  return pids.reduce((sum, pid) => sum + cpuTicks(pid) * microsecondsPerTick, 0)
}

/** The same of all that runs on a core, without what the kernel does for interrupts; NaN for null, and where there is no /proc. */
export function coreMicroseconds(core) {
  if (process.platform !== 'linux' || core === null) return Number.NaN
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(readFileSync('/proc/stat', 'latin1'))?.[1] ?? ''
  const [user, nice, system] = line.split(' ').map(Number)
  return (user + nice + system) * microsecondsPerTick
}

/** Memory of some processes, in KiB, what is shared counted in parts (PSS); NaN where there is no /proc. */
export function memoryKiB(pids) {
  if (process.platform !== 'linux') return Number.NaN
  return pids.reduce((sum, pid) => {
    const [, size] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')) ?? []
    return sum + Number(size)
  }, 0)
}

function cpuTicks(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // utime and stime are fields 14 and 15 of proc(5); the second is a name in parentheses that may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

/** A process and all that descend from it. */
function familyOf(pid) {
  if (process.platform !== 'linux') return [pid]
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim()
  return [pid, ...(children === '' ? [] : children.split(' ').flatMap((child) => familyOf(Number(child))))]
}

async function untilAccepting(port, child) {
  let failure = null
  child.once('error', (error) => (failure = error))
  const end = performance.now() + startDeadline
  while (!(await accepts(port))) {
    if (failure !== null) throw failure
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`)
    if (performance.now() > end) throw new Error(`port ${port} does not accept after ${startDeadline} ms`)
    await delay(20)
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
