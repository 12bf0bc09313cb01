import { CserviceError } from '../common/errors.ts'
import { createLog, type Log, type LogDestination } from '../common/log.ts'
import { startService } from '../service.ts'
import { resolveAddress, resolveSettings, type ServiceAddress } from '../settings/resolve-settings.ts'
import type { ServiceSettings } from '../settings/service-settings.ts'
import { type GatewayAddress, sendCommand } from '../supervisor/control/client.ts'
import { toCommandLine } from '../supervisor/control/command-line.ts'
import { logSinks } from './log-sinks.ts'
import type { StartOptions } from './options.ts'
import type { RunningService } from './running-service.ts'
import type { ServiceConsole } from './service-console.ts'

/** A service of this process, or one of another process that has the control port. */
export type Launched =
  | {
      readonly service: RunningService
      readonly settings: ServiceSettings
      /** Opens the console, if there is to be one; for when the service has begun. */
      openConsole(): void
    }
  | { readonly attachedTo: ServiceAddress }

/** How long a service that has the control port may take to say that it is one. */
const recognitionMs = 5_000

/**
 * Starts a service in this process; it has not begun yet (`begin`). If another process of ours has its control port, that
 * one's service is what the program gets to talk to.
 * @throws CserviceError what is wrong with the options, or with the place
 */
export async function launch(options: StartOptions): Promise<Launched> {
  const { settings, warnings } = await resolveSettings(options)
  const terminal = settings.cli ? await loadConsole() : null
  const log = createServiceLog(options, settings, terminal?.terminal.stderr)
  for (const warning of warnings) log.warn(warning)
  try {
    const service = await startService({ settings, log, ...(terminal ? { output: terminal.terminal } : {}) })
    return { service, settings, openConsole: () => terminal?.open(service) }
  } catch (error) {
    if (!(await isTakenByOurs(error, settings))) throw error
    log.warn({ port: settings.port }, 'another process has the control port; commands go to its service')
    return { attachedTo: settings }
  }
}

/** Has the service at the address of these options run `options.run`. @throws CserviceError as `sendCommand` */
export async function runRemotely(options: StartOptions, line: string): Promise<unknown> {
  return await sendCommand(line, toGatewayAddress(await resolveAddress(options)))
}

/** Runs a command in the service of another process. @throws CserviceError as `sendCommand` */
export async function callRemotely(address: ServiceAddress, name: string, args: readonly unknown[]): Promise<unknown> {
  const words = args.map((arg) => (typeof arg === 'string' ? arg : (JSON.stringify(arg) ?? 'null')))
  const [subcommand, ...rest] = words
  if (name === 'proxy' && subcommand === 'deploy') {
    const { sendRelease } = await import('../proxy/releases/send-release.ts')
    return await sendRelease(rest, toGatewayAddress(address)) // its file is here, not where the service runs
  }
  return await sendCommand(toCommandLine([name, ...words]), toGatewayAddress(address))
}

async function loadConsole(): Promise<ServiceConsole> {
  const { ServiceConsole } = await import('./service-console.ts')
  return new ServiceConsole()
}

/** In a program the service speaks up when something is wrong, unless somebody listens; otherwise the program speaks. */
function createServiceLog(options: StartOptions, { cli }: ServiceSettings, terminal?: LogDestination): Log {
  const sinks = logSinks(options)
  const wanted = typeof options.debug === 'function' ? 'debug' : cli || sinks !== null ? 'info' : 'warn'
  const level = process.env.CSERVICE_LOG_LEVEL ?? wanted
  if (sinks !== null) return createLog({ level, destination: sinks, pretty: false })
  return createLog({ level, ...(terminal ? { destination: terminal } : {}) })
}

async function isTakenByOurs(error: unknown, address: ServiceAddress): Promise<boolean> {
  if (!(error instanceof CserviceError && (error.code === 'ALREADY_RUNNING' || error.code === 'PORT_TAKEN')))
    return false
  try {
    await sendCommand('version', toGatewayAddress(address), recognitionMs)
    return true
  } catch {
    return false
  }
}

function toGatewayAddress({ host, port, accessKey, ssl }: ServiceAddress): GatewayAddress {
  return { host, port, ...(accessKey === null ? {} : { accessKey }), ...(ssl === null ? {} : { ssl }) }
}
