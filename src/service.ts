import type { Log } from './common/log.ts'
import { openRuntimeDirectory } from './common/runtime-directory.ts'
import { helpCommand } from './supervisor/commands/help.ts'
import { versionCommand } from './supervisor/commands/version.ts'
import type { Caller } from './supervisor/control/command.ts'
import { CommandRegistry } from './supervisor/control/command-registry.ts'
import { ControlServer } from './supervisor/control/control-server.ts'
import { type InstanceLock, takeInstanceLock } from './supervisor/control/instance-lock.ts'

export interface ServiceOptions {
  /** The control port, by which this service is told from others on the machine. */
  readonly port: number
  readonly host: string
  /** Opens REST on host:port. */
  readonly accessKey?: string
  readonly log: Log
}

/** The whole running service: the composition root. */
export class Service {
  /** Resolves when everything has been stopped. */
  readonly stopped: Promise<{ exitCode: number }>
  readonly #registry: CommandRegistry
  readonly #control: ControlServer
  readonly #lock: InstanceLock
  readonly #log: Log
  #setStopped: (end: { exitCode: number }) => void = () => {}
  #stopping: Promise<void> | null = null

  private constructor(registry: CommandRegistry, control: ControlServer, lock: InstanceLock, log: Log) {
    this.#registry = registry
    this.#control = control
    this.#lock = lock
    this.#log = log
    this.stopped = new Promise((resolve) => {
      this.#setStopped = resolve
    })
  }

  /** @throws CserviceError UNSAFE_DIRECTORY, ALREADY_RUNNING, PORT_TAKEN, PORT_FORBIDDEN, BAD_USAGE */
  static async start({ log, ...options }: ServiceOptions): Promise<Service> {
    const directory = openRuntimeDirectory(options.port)
    const lock = takeInstanceLock(directory)
    if (lock.wasStale) log.warn({ directory }, 'the last service here did not stop by itself')
    const registry = new CommandRegistry(log)
    registry.register(helpCommand(registry))
    registry.register(versionCommand())
    try {
      const control = await ControlServer.open({ ...options, registry, directory, log })
      return new Service(registry, control, lock, log)
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
    this.#control.kill()
    this.#lock.release()
    this.#setStopped({ exitCode: 1 })
  }

  async #stop(reason: string): Promise<void> {
    this.#log.info({ reason }, 'stopping')
    this.#registry.stop()
    await this.#control.stop()
    this.#lock.release()
    this.#setStopped({ exitCode: 0 })
  }
}

export function startService(options: ServiceOptions): Promise<Service> {
  return Service.start(options)
}
