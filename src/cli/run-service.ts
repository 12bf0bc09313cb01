import { toCserviceError } from '../common/errors.ts'
import { createLog, type Log } from '../common/log.ts'
import type { ServiceSettings } from '../settings/service-settings.ts'
import { userName } from '../supervisor/control/user-name.ts'
import type { Console } from './console/console.ts'
import { openConsole } from './console/open.ts'
import { SharedTerminal } from './console/shared-terminal.ts'
import { greeting } from './greeting.ts'
import { type GivenOptions, type Options, withAddress } from './options.ts'
import type { Output } from './output.ts'
import { writePidFile } from './pid-file.ts'
import { ReadinessLine } from './readiness.ts'
import type { Parts, RunningService, StartOptions } from './running-service.ts'
import { serviceGreeting } from './service-greeting.ts'
import { Stopper } from './stopper.ts'
import { SystemdNotice } from './systemd-notice.ts'

/**
 * Runs a service in this process until it is stopped: starts it with what the options say, tells what is there and what to
 * type next. SIGTERM and SIGINT stop it gracefully; a second SIGINT ends it at once. Where a service runs on the control
 * port already, a person at a terminal is attached to that one.
 * @returns the exit code
 */
export async function runService(
  given: GivenOptions,
  options: Options,
  output: Output,
  { start = loadAndStart, attach }: Parts = {},
): Promise<number> {
  const line = ReadinessLine.fromEnvironment()
  const shared = line === null && !output.isJson ? new SharedTerminal() : null
  const log = createLog({
    ...(options.logLevel === undefined ? {} : { level: options.logLevel }),
    ...(shared !== null && process.stderr.isTTY ? { destination: shared.stderr } : {}),
  })
  const stopper = new Stopper(log)
  const systemd = SystemdNotice.fromEnvironment(log)
  stopper.onStopping(() => systemd?.stopping())
  line?.onAbandoned(() => stopper.stop('nobody waits for it any more'))
  let removePidFile = () => {}
  let service: RunningService | null = null
  let terminal: Console | null = null
  const isTerminal = line === null && output.isInteractive
  try {
    const { resolveSettings } = await import('../settings/resolve-settings.ts')
    const { settings, warnings } = await resolveSettings(given, process.cwd(), { cli: isTerminal })
    for (const warning of warnings) log.warn(warning)
    try {
      service = await start(toStartOptions(settings, log, shared))
    } catch (error) {
      if (!isAlreadyRunning(error) || attach === undefined || !isTerminal || !settings.cli) throw error
      stopper.dispose()
      return await attach(withAddress(options, settings), output)
    }
    stopper.watch(service)
    try {
      const pidFile = options.pidFile ?? line?.pidFile
      if (pidFile !== undefined) removePidFile = writePidFile(pidFile)
      await service.begin()
      const report = await describe(service, settings)
      await line?.say({ type: 'ready' })
      systemd?.ready()
      if (line === null) announce(report, settings, output)
      if (shared !== null && settings.cli) terminal = openOwnConsole(service, shared, stopper)
    } catch (error) {
      await service.stop('it could not start')
      throw error
    }
    return (await service.stopped).exitCode
  } catch (error) {
    // Whoever stops a service before it is up does not want to read that it failed.
    if (stopper.isStopping && line === null) {
      output.json(null)
      return 0
    }
    await line?.say({ type: 'failed', error: toCserviceError(error).toJSON() })
    return await output.failure(error)
  } finally {
    terminal?.close()
    removePidFile()
    systemd?.dispose()
    stopper.dispose()
  }
}

async function loadAndStart(options: StartOptions): Promise<RunningService> {
  const { startOwnService } = await import('./own-service.ts')
  return await startOwnService(options)
}

/** @param shared where the log and the workers write, beside a console; null: standard output is for JSON or nobody */
function toStartOptions(settings: ServiceSettings, log: Log, shared: SharedTerminal | null): StartOptions {
  // With --json, standard output has one JSON value and nothing else.
  return { settings, log, output: shared ?? { stdout: process.stderr, stderr: process.stderr } }
}

function openOwnConsole(service: RunningService, shared: SharedTerminal, stopper: Stopper): Console {
  const caller = { level: 'inproc', name: userName() } as const
  const terminal = openConsole({
    kind: 'own',
    shared,
    runLine: (text, onProgress) => service.runCommand(text, caller, onProgress),
  })
  void terminal.ended.then(({ reason }) => {
    if (reason === 'interrupt') stopper.interrupt()
  })
  return terminal
}

function isAlreadyRunning(error: unknown): boolean {
  return toCserviceError(error).code === 'ALREADY_RUNNING'
}

/** What runs, as the commands tell it; null for what was not started. */
interface Report {
  readonly proxy: unknown
  readonly workers: unknown
}

async function describe(service: RunningService, { proxy, workers }: ServiceSettings): Promise<Report> {
  const caller = { level: 'inproc', name: userName() } as const
  return {
    proxy: proxy === null ? null : await service.runCommand(['proxy', 'info'], caller),
    workers: proxy !== null && workers.length === 0 ? null : await service.runCommand(['workers'], caller),
  }
}

function announce({ proxy, workers }: Report, settings: ServiceSettings, output: Output): void {
  const flags = settings.port === 11987 ? '' : ` --port ${settings.port}`
  if (workers === null) {
    output.json(proxy)
    output.text(greeting(proxy, flags))
    return
  }
  const rest = settings.accessKey === null ? null : restAddress(settings)
  const listed = typeof workers === 'object' && workers !== null ? workers : { workers }
  output.json({ pid: process.pid, rest, ...listed, ...(proxy === null ? {} : { proxy }) })
  const gateway = proxy === null ? null : greeting(proxy, flags)
  output.text(serviceGreeting({ workers: settings.workers, rest, flags, gateway }))
}

function restAddress({ ssl, host, port }: ServiceSettings): string {
  return `${ssl === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}/cli`
}
