import { toCserviceError } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import type { ServiceOptions } from '../service.ts'
import type { Caller } from '../supervisor/control/command.ts'
import { userName } from '../supervisor/control/user-name.ts'
import { greeting } from './greeting.ts'
import type { Options } from './options.ts'
import type { Output } from './output.ts'
import { accessKeyVariable } from './parse-arguments.ts'
import { writePidFile } from './pid-file.ts'
import { ReadinessLine } from './readiness.ts'

/** A service as this file sees it (service.ts). */
export interface RunningService {
  runCommand(line: string[] | string, caller: Caller): Promise<unknown>
  stop(reason: string): Promise<void>
  kill(): void
  readonly stopped: Promise<{ exitCode: number }>
}

export type StartService = (options: ServiceOptions) => Promise<RunningService>

/**
 * Runs a service in this process until it is stopped: starts it, gives it its first command, says what is there and what
 * to type next. SIGTERM and SIGINT stop it gracefully; a second SIGINT ends it at once.
 * @returns the exit code
 */
export async function runService(
  words: readonly string[],
  options: Options,
  output: Output,
  start: StartService = loadAndStart,
): Promise<number> {
  const line = ReadinessLine.fromEnvironment()
  const pidFile = options.pidFile ?? line?.pidFile
  const { createLog } = await import('../common/log.ts')
  const log = createLog(options.logLevel === undefined ? {} : { level: options.logLevel })
  const stopper = new Stopper(log)
  line?.onAbandoned(() => stopper.stop('nobody waits for it any more'))
  let removePidFile = () => {}
  try {
    const service = await start(await toServiceOptions(options, log))
    stopper.watch(service)
    try {
      if (pidFile !== undefined) removePidFile = writePidFile(pidFile)
      const answer = await service.runCommand([...words], { level: 'inproc', name: userName() })
      await line?.say({ type: 'ready' })
      if (line === null) announce(answer, options, output)
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
    removePidFile()
    stopper.dispose()
  }
}

async function loadAndStart(options: ServiceOptions): Promise<RunningService> {
  const { startService } = await import('../service.ts')
  return await startService(options)
}

async function toServiceOptions({ port, host, accessKey, json }: Options, log: Log): Promise<ServiceOptions> {
  // The environment of this process becomes that of every worker, and a key is nobody's business there.
  delete process.env[accessKeyVariable]
  const { resolveSettings } = await import('../settings/resolve-settings.ts')
  const { settings } = await resolveSettings({ port, host, accessKey })
  return {
    settings,
    log,
    // With --json, standard output has one JSON value and nothing else.
    ...(json ? { output: { stdout: process.stderr, stderr: process.stderr } } : {}),
  }
}

function announce(answer: unknown, { port }: Options, output: Output): void {
  output.json(answer)
  output.text(greeting(answer, port === 11987 ? '' : ` --port ${port}`))
}

/** Turns signals into the end of a service. Owns the handlers. */
class Stopper {
  readonly #log: Log
  #service: RunningService | null = null
  #reason: string | null = null
  readonly #handlers = new Map<NodeJS.Signals, () => void>([
    ['SIGTERM', () => this.stop('SIGTERM')],
    ['SIGINT', () => this.#interrupt()],
    ['SIGHUP', () => this.#hangUp()],
  ])

  constructor(log: Log) {
    this.#log = log
    for (const [signal, handler] of this.#handlers) process.on(signal, handler)
  }

  get isStopping(): boolean {
    return this.#reason !== null
  }

  /** From now on there is something to stop; at once, if it was asked for before. */
  watch(service: RunningService): void {
    this.#service = service
    if (this.#reason !== null) void this.#stopService(this.#reason)
  }

  stop(reason: string): void {
    if (this.#reason !== null) return
    this.#reason = reason
    void this.#stopService(reason)
  }

  dispose(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler)
  }

  async #stopService(reason: string): Promise<void> {
    try {
      await this.#service?.stop(reason)
    } catch (error) {
      this.#log.error({ err: error }, 'stopping failed')
      this.#service?.kill()
      process.exit(1)
    }
  }

  #interrupt(): void {
    if (this.#reason === null) {
      if (process.stderr.isTTY) process.stderr.write('\nStopping gracefully; press Ctrl-C again to stop at once.\n')
      this.stop('SIGINT')
      return
    }
    this.#service?.kill()
    process.exit(130)
  }

  /** A service without a terminal outlives the session that started it; one on a terminal ends with the terminal. */
  #hangUp(): void {
    if (process.stdin.isTTY) this.stop('SIGHUP')
  }
}
