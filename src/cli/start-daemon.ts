import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CserviceError, fromErrorData } from '../common/errors.ts'
import { openRuntimeDirectory } from '../common/runtime-directory.ts'
import type { ServiceSettings } from '../settings/service-settings.ts'
import type { GivenOptions, Options } from './options.ts'
import { Output } from './output.ts'
import { accessKeyVariable, type Invocation, parseArguments, passphraseVariable, wantsJson } from './parse-arguments.ts'
import { isProxyStart, proxyStartOptions } from './proxy-start.ts'
import { daemonVariable, type ReadinessMessage } from './readiness.ts'
import { toArguments } from './to-arguments.ts'

const defaultTimeoutMs = 120_000
/** How long a service that failed, or that nobody waits for, may take to end by itself. */
const endMs = 15_000
const logTailBytes = 8192
const logTailLines = 20

/**
 * `cserviced`: starts a service in the background and waits until it is ready.
 * @param argv as for `cservice`
 * @param program what runs as the service
 * @returns the exit code
 */
export async function mainOfDaemon(argv: readonly string[], program: string): Promise<number> {
  const output = new Output('cserviced', wantsJson(argv))
  try {
    const invocation = parseArguments(argv, process.env)
    if (invocation.kind === 'help' || invocation.kind === 'version') return await (await import('./main.ts')).main(argv)
    const pid = await startDaemon(toService(invocation), invocation.options, program)
    output.json({ pid })
    output.text(String(pid))
    return 0
  } catch (error) {
    return await output.failure(error)
  }
}

/** The options of the service that a command line starts, if it starts one. */
function toService(invocation: Invocation): GivenOptions {
  if (invocation.kind === 'service') return invocation.given
  const { kind, given } = invocation
  if (kind === 'command' && isProxyStart(invocation.words) && invocation.words.length > 2) {
    return proxyStartOptions(invocation.words, given)
  }
  throw new CserviceError('BAD_USAGE', 'cserviced starts a service in the background, and nothing else', {
    hint: 'cserviced proxy start proxy.json, cserviced server.js or cserviced config.json; all other commands: cservice',
  })
}

/**
 * @returns the pid of the service, which is ready
 * @throws CserviceError why there is none; nothing is left running then
 */
async function startDaemon(given: GivenOptions, options: Options, program: string): Promise<number> {
  const { port, runAs } = await findPlace(given, options)
  const open = () => {
    const directory = openRuntimeDirectory(port)
    return { directory, log: openLog(resolve(options.logFile ?? join(directory, 'cservice.log'))) }
  }
  // What lies in a directory of that user may be a link to anything: it is opened with the rights of that user.
  const { directory, log } = runAs === null ? open() : (await import('../supervisor/privileges.ts')).asUser(runAs, open)
  try {
    const child = spawn(process.execPath, [program, ...argumentsOf(given, options)], {
      detached: true,
      stdio: ['ignore', log.descriptor, log.descriptor, 'ipc'],
      env: toEnvironment(given, resolve(options.pidFile ?? join(directory, 'cservice.pid'))),
    })
    try {
      await untilReady(child, options.timeout ?? defaultTimeoutMs)
    } catch (error) {
      await end(child)
      throw withLog(error, log)
    }
    if (child.connected) child.disconnect()
    child.unref()
    return child.pid ?? 0
  } finally {
    closeSync(log.descriptor)
  }
}

/** A configuration file may say which control port it is, and as whom the service runs. */
async function findPlace(given: GivenOptions, options: Options): Promise<Pick<ServiceSettings, 'port' | 'runAs'>> {
  if (given.config === undefined && given.user === undefined) return { port: options.port, runAs: null }
  const { resolvePlace } = await import('../settings/resolve-settings.ts')
  return await resolvePlace(given)
}

/** The same options again. There is no terminal in the background, and so no console. */
function argumentsOf(given: GivenOptions, { logLevel }: Options): string[] {
  const level = logLevel === undefined ? [] : [`--log-level=${logLevel}`]
  return [...level, ...toArguments({ ...given, cli: false })]
}

function toEnvironment({ accessKey, ssl }: GivenOptions, pidFile: string): NodeJS.ProcessEnv {
  const passphrase = typeof ssl === 'object' && ssl !== null && 'passphrase' in ssl ? ssl.passphrase : undefined
  return {
    ...process.env,
    ...(accessKey === undefined ? {} : { [accessKeyVariable]: String(accessKey) }),
    ...(passphrase === undefined ? {} : { [passphraseVariable]: String(passphrase) }),
    [daemonVariable]: pidFile,
  }
}

/** Settles when the service says that it is ready or has failed, ends, or takes too long; or when a signal ends the wait. */
async function untilReady(child: ChildProcess, timeoutMs: number): Promise<void> {
  const ended = new AbortController()
  const { signal } = ended
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = timeoutMs > 0 ? setTimeout(() => reject(notInTime(timeoutMs)), timeoutMs) : undefined
      signal.addEventListener('abort', () => clearTimeout(timer))
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        const handler = () =>
          reject(new CserviceError('CANCELLED', `Interrupted by ${name} before the service was ready`))
        process.on(name, handler)
        signal.addEventListener('abort', () => process.off(name, handler))
      }
      child.on('message', (message: ReadinessMessage) => {
        if (message.type === 'ready') resolve()
        else reject(fromErrorData(message.error))
      })
      child.on('error', (error) =>
        reject(new CserviceError('INTERNAL', `The service cannot be run: ${error.message}`, { cause: error })),
      )
      child.on('exit', (code, exitSignal) => {
        const fail = () => reject(endedEarly(exitSignal ?? `exit code ${code}`))
        // What it said last may still be on its way.
        if (child.connected) child.once('disconnect', () => setImmediate(fail))
        else setImmediate(fail)
      })
    })
  } finally {
    ended.abort()
  }
}

/** Asks, and then forces, the whole process group of the service: workers that it has started already are in it. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return
  const exit = once(child, 'exit', { signal: AbortSignal.timeout(endMs) })
  child.kill('SIGTERM')
  try {
    await exit
  } catch {
    if (hasEnded(child)) return
    const killed = once(child, 'exit')
    process.kill(-child.pid, 'SIGKILL')
    await killed
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function endedEarly(how: string): CserviceError {
  return new CserviceError('INTERNAL', `The service ended before it was ready (${how})`)
}

function notInTime(timeoutMs: number): CserviceError {
  return new CserviceError('TIMED_OUT', `The service was not ready within ${timeoutMs} ms`, {
    hint: 'Give it longer: --timeout <ms>',
  })
}

interface LogFile {
  readonly path: string
  readonly descriptor: number
  /** Its length before this start. */
  readonly start: number
}

function openLog(path: string): LogFile {
  try {
    const descriptor = openSync(path, 'a+', 0o600)
    return { path, descriptor, start: fstatSync(descriptor).size }
  } catch (error) {
    throw new CserviceError('BAD_USAGE', `The log file ${path} cannot be opened: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** The error with the last lines that this start has logged. */
function withLog(thrown: unknown, log: LogFile): unknown {
  const lines = lastLines(log)
  if (!(thrown instanceof CserviceError) || lines.length === 0) return thrown
  const details = thrown.details === undefined ? {} : { details: thrown.details }
  return new CserviceError(thrown.code, thrown.message, {
    cause: thrown,
    hint: thrown.hint,
    details: { ...details, logFile: log.path, log: lines },
  })
}

function lastLines({ descriptor, start }: LogFile): string[] {
  const { size } = fstatSync(descriptor)
  const from = Math.max(start, size - logTailBytes)
  const buffer = Buffer.alloc(Math.max(0, size - from))
  const length = readSync(descriptor, buffer, 0, buffer.length, from)
  const lines = buffer
    .toString('utf8', 0, length)
    .split('\n')
    .filter((line) => line !== '')
  return lines.slice(-logTailLines)
}
