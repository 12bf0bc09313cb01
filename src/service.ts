import type { Log } from './common/log.ts'
import { openRuntimeDirectory } from './common/runtime-directory.ts'
import { proxyCommand } from './proxy/commands/proxy.ts'
import { findProblems } from './proxy/find-problems.ts'
import { ProxyHost } from './proxy/proxy-host.ts'
import { exitCommand } from './supervisor/commands/exit.ts'
import { healthCommand } from './supervisor/commands/health.ts'
import { helpCommand } from './supervisor/commands/help.ts'
import { infoCommand } from './supervisor/commands/info.ts'
import { shutdownCommand } from './supervisor/commands/shutdown.ts'
import { versionCommand } from './supervisor/commands/version.ts'
import { workersCommand } from './supervisor/commands/workers.ts'
import type { Caller } from './supervisor/control/command.ts'
import { CommandRegistry } from './supervisor/control/command-registry.ts'
import { ControlServer } from './supervisor/control/control-server.ts'
import { type InstanceLock, takeInstanceLock } from './supervisor/control/instance-lock.ts'
import type { OutputSink } from './supervisor/output.ts'
import { Supervisor } from './supervisor/supervisor.ts'

/** For so long the processes of a crashed predecessor may hold ports: until they end by themselves, and a little more. */
const predecessorPatienceMs = 15_000

export interface ServiceOptions {
  /** The control port, by which this service is told from others on the machine. */
  readonly port: number
  readonly host: string
  /** Opens REST on host:port. */
  readonly accessKey?: string
  readonly log: Log
  /** Where workers' output goes; our own standard output and error by default. */
  readonly output?: OutputSink
}

/** The whole running service, composition root of everything: supervisor, commands, control surface, proxy. */
export class Service {
  /** Resolves when everything has been stopped. */
  readonly stopped: Promise<{ exitCode: number }>
  readonly #log: Log
  readonly #lock: InstanceLock
  readonly #supervisor: Supervisor
  readonly #registry: CommandRegistry
  readonly #proxy: ProxyHost
  #control: ControlServer | null = null
  #setStopped: (end: { exitCode: number }) => void = () => {}
  #workersStopping: Promise<void> | null = null
  #stopping: Promise<void> | null = null

  private constructor(supervisor: Supervisor, lock: InstanceLock, log: Log) {
    this.#supervisor = supervisor
    this.#lock = lock
    this.#log = log
    this.#proxy = new ProxyHost({ supervisor, log, patience: lock.wasStale ? predecessorPatienceMs : 0 })
    this.#registry = this.#registerCommands()
    this.stopped = new Promise((resolve) => {
      this.#setStopped = resolve
    })
  }

  /** @throws CserviceError UNSAFE_DIRECTORY, ALREADY_RUNNING, PORT_TAKEN, PORT_FORBIDDEN, BAD_USAGE */
  static async start({ log, output, ...control }: ServiceOptions): Promise<Service> {
    const directory = openRuntimeDirectory(control.port)
    const lock = takeInstanceLock(directory)
    if (lock.wasStale) log.warn({ directory }, 'the last service here did not stop by itself')
    try {
      const supervisor = await Supervisor.open({ directory, log, ...(output ? { output } : {}) })
      const service = new Service(supervisor, lock, log)
      try {
        service.#control = await ControlServer.open({ ...control, registry: service.#registry, directory, log })
      } catch (error) {
        await supervisor.stop()
        throw error
      }
      return service
    } catch (error) {
      lock.release()
      throw error
    }
  }

  runCommand(line: readonly string[] | string, caller: Caller): Promise<unknown> {
    return this.#registry.run(line, caller)
  }

  /** Ends everything gracefully. A command must not wait for it: it waits for commands. */
  stop(reason: string): Promise<void> {
    this.#stopping ??= this.#stop(reason)
    return this.#stopping
  }

  /** Ends everything at once. */
  kill(): void {
    void this.#supervisor.kill()
    this.#control?.kill()
    this.#lock.release()
    this.#setStopped({ exitCode: 1 })
  }

  async #stop(reason: string): Promise<void> {
    this.#log.info({ reason }, 'stopping')
    await this.#stopWorkers()
    this.#registry.stop()
    await this.#control?.stop()
    this.#lock.release()
    this.#setStopped({ exitCode: 0 })
  }

  /** First the proxy, whose requests in flight still need their workers. */
  #stopWorkers(): Promise<void> {
    this.#workersStopping ??= this.#proxy.close().then(() => this.#supervisor.stop())
    return this.#workersStopping
  }

  #registerCommands(): CommandRegistry {
    const registry = new CommandRegistry(this.#log)
    registry.register(exitCommand(() => this.#exit()))
    registry.register(
      healthCommand(async () => {
        const gateway = await this.#proxy.find()
        return gateway ? findProblems(gateway) : []
      }),
    )
    registry.register(helpCommand(registry))
    registry.register(infoCommand(this.#supervisor))
    registry.register(proxyCommand(this.#proxy))
    registry.register(shutdownCommand(this.#supervisor, () => this.#shutDown()))
    registry.register(versionCommand())
    registry.register(workersCommand(this.#supervisor))
    return registry
  }

  /** For the command, which answers when the workers are gone, and before the control surface is. */
  async #shutDown(): Promise<void> {
    await this.#stopWorkers()
    setImmediate(() => void this.stop('shutdown all'))
  }

  #exit(): void {
    this.kill()
    process.exit(0)
  }
}

export function startService(options: ServiceOptions): Promise<Service> {
  return Service.start(options)
}
