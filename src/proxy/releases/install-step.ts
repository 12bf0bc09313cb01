import { spawn } from 'node:child_process'
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Writable } from 'node:stream'
import { CserviceError } from '../../common/errors.ts'
import { tieToOurLife } from './lifeline.ts'

const tailLines = 20
const tailBytes = 8_192
/** Between the request to end and the end. */
const termMs = 5_000

export interface InstallStep {
  /** A line for `/bin/sh`. */
  readonly command: string
  readonly cwd: string
  /** Added to the environment. */
  readonly env: Readonly<Record<string, string>>
  readonly logFile: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * Runs the install step of a release, with all that it says in a log file, which stays.
 * @throws CserviceError INSTALL_FAILED with `{ log, output }`, the last lines of it; CANCELLED
 */
export async function runInstallStep(step: InstallStep): Promise<void> {
  await mkdir(dirname(step.logFile), { recursive: true })
  const log = await open(step.logFile, 'a+', 0o600)
  try {
    await log.appendFile(`$ ${step.command}\n`)
    const how = await runToEnd(step, log.fd)
    if (how === null) return
    const output = await lastLines(log)
    if (step.signal.aborted) throw new CserviceError('CANCELLED', 'The service stopped during the install step')
    throw new CserviceError('INSTALL_FAILED', `The install step (${step.command}) ${how}`, {
      details: { log: step.logFile, output },
      hint: `All that it said is in ${step.logFile}`,
    })
  } finally {
    await log.close()
  }
}

/** @returns how it failed; null: it did not */
function runToEnd({ command, cwd, env, timeoutMs, signal }: InstallStep, output: number): Promise<string | null> {
  return new Promise((resolve) => {
    // A group of its own, so that its children end with it. It waits for a word before it begins.
    const child = spawn('/bin/sh', ['-c', 'read -r go <&3 && exec 3<&- && exec /bin/sh -c "$1"', 'install', command], {
      cwd,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', output, output, 'pipe'],
    })
    const lifeline = child.pid === undefined ? null : tieToOurLife(child.pid)
    const gate = child.stdio[3] as Writable
    gate.on('error', () => {}) // it has ended before it began; its exit says how
    gate.end('go\n')
    let isLate = false
    let killTimer: NodeJS.Timeout | undefined
    const end = () => {
      killGroup(child.pid, 'SIGTERM')
      killTimer = setTimeout(() => killGroup(child.pid, 'SIGKILL'), termMs)
    }
    const timer = setTimeout(() => {
      isLate = true
      end()
    }, timeoutMs)
    signal.addEventListener('abort', end)
    const settle = (how: string | null) => {
      clearTimeout(timer)
      clearTimeout(killTimer)
      signal.removeEventListener('abort', end)
      lifeline?.cut()
      killGroup(child.pid, 'SIGKILL') // what it has left in the background
      resolve(how)
    }
    child.on('error', (error) => settle(`could not be run: ${error.message}`))
    child.on('exit', (code, signalName) => {
      if (isLate) settle(`had not ended after ${timeoutMs / 1_000} s (installTimeout)`)
      else if (signalName !== null) settle(`was ended by ${signalName}`)
      else settle(code === 0 ? null : `exited with code ${code}`)
    })
    if (signal.aborted) end()
  })
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // gone already
  }
}

async function lastLines(log: Awaited<ReturnType<typeof open>>): Promise<string[]> {
  const { size } = await log.stat()
  const from = Math.max(0, size - tailBytes)
  const { buffer, bytesRead } = await log.read(Buffer.alloc(size - from), 0, size - from, from)
  const lines = buffer.toString('utf8', 0, bytesRead).split('\n')
  return lines.filter((line) => line !== '').slice(-tailLines)
}
