import { pathToFileURL } from 'node:url'
import type { Log } from './common/log.ts'
import { openPlace, predecessorPatienceMs } from './place.ts'
import { proxyCommand } from './proxy/commands/proxy.ts'
import { closedPorts, findHindrances } from './proxy/find-hindrances.ts'
import { findProblems } from './proxy/find-problems.ts'
import { ProxyHost } from './proxy/proxy-host.ts'
import type { ServiceSettings } from './settings/service-settings.ts'
import { exitCommand } from './supervisor/commands/exit.ts'
import { healthCommand } from './supervisor/commands/health.ts'
import { helpCommand } from './supervisor/commands/help.ts'
import { infoCommand } from './supervisor/commands/info.ts'
import { localsCommand } from './supervisor/commands/locals.ts'
import { optionsCommand } from './supervisor/commands/options.ts'
import { restartCommand } from './supervisor/commands/restart.ts'
import { shutdownCommand } from './supervisor/commands/shutdown.ts'
import { startCommand } from './supervisor/commands/start.ts'
import { upgradeCommand } from './supervisor/commands/upgrade.ts'
import { versionCommand } from './supervisor/commands/version.ts'
import { workerExitCommand, workerStartCommand } from './supervisor/commands/worker-notices.ts'
import { workersCommand } from './supervisor/commands/workers.ts'
import type { Caller } from './supervisor/control/command.ts'
import { CommandRegistry } from './supervisor/control/command-registry.ts'
import { ControlServer } from './supervisor/control/control-server.ts'
import type { InstanceLock } from './supervisor/control/instance-lock.ts'
import type { OutputSink } from './supervisor/output.ts'
import { PlainWorkers } from './supervisor/plain/plain-workers.ts'
import type { WorkerEntry } from './supervisor/plain/worker-entry.ts'
import { poolHindrances, poolProblems } from './supervisor/pool-problems.ts'
import { Recycler } from './supervisor/recycler.ts'
import { Supervisor } from './supervisor/supervisor.ts'
import type { WorkerHandle } from './supervisor/worker.ts'
import { WorkerCalls } from './supervisor/worker-calls.ts'
import { announceWorkers } from './supervisor/worker-events.ts'

export interface ServiceOptions {
  readonly settings: ServiceSettings
  readonly log: Log
  /** Where workers' output goes; our own standard output and error by default. */
  readonly output?: OutputSink
}

/** The whole running service, composition root of everything: supervisor, commands, control surface, workers, proxy. */
export class Service {
  /** Resolves when everything has been stopped. */
  readonly stopped: Promise<{ exitCode: number }>
  readonly registry: CommandRegistry
  readonly supervisor: Supervisor
  /** The workers of `workers`, and of the commands `start` and `upgrade`. */
  readonly plain: PlainWorkers
  readonly #settings: ServiceSettings
  readonly #log: Log
  readonly #lock: InstanceLock
  readonly #proxy: ProxyHost
  readonly #recycler: Recycler
  #control: ControlServer | null = null
  #setStopped: (end: { exitCode: number }) => void = () => {}
  #proxyClosing: Promise<void> | null = null
  #stopping: Promise<void> | null = null

  private constructor(supervisor: Supervisor, lock: InstanceLock, { settings, log }: ServiceOptions) {
    this.supervisor = supervisor
    this.#settings = settings
    this.#lock = lock
    this.#log = log
    this.plain = new PlainWorkers(supervisor, log)
    this.#proxy = new ProxyHost({ supervisor, log, patience: lock.wasStale ? predecessorPatienceMs : 0 })
    this.registry = this.#registerCommands()
    this.#recycler = new Recycler({
      pools: () => supervisor.pools,
      replace: ({ pid }) => this.registry.run(['restart', String(pid)], { level: 'inproc', name: 'recycle' }),
      log,
    })
    const { registry } = this
    announceWorkers({ supervisor, registry, log })
    new WorkerCalls({ supervisor, registry, log, isForeign: runsAsAnother })
    this.stopped = new Promise((resolve) => {
      this.#setStopped = resolve
    })
  }

  /**
   * Opens the ways in for commands; `begin` starts the workers.
   * @throws CserviceError UNSAFE_DIRECTORY, ALREADY_RUNNING, PORT_TAKEN, PORT_FORBIDDEN, BAD_USAGE, and as `openPlace`
   */
  static async start(options: ServiceOptions): Promise<Service> {
    const { settings, log, output } = options
    const { directory, lock, sockets } = await openPlace(settings, log)
    try {
      const supervisor = await Supervisor.open({ directory, log, sockets, ...(output ? { output } : {}) })
      const service = new Service(supervisor, lock, options)
      try {
        service.#control = await service.#openControl(directory)
      } catch (error) {
        service.#recycler.stop()
        await supervisor.stop()
        throw error
      }
      return service
    } catch (error) {
      sockets.closeReserved()
      lock.release()
      throw error
    }
  }

  /**
   * Starts what the settings name: the proxy, then the workers, then the user's own module in this process.
   * @throws CserviceError why one of them could not be started; what has been started stays
   */
  async begin(): Promise<void> {
    const { proxy, workers, master } = this.#settings
    const { inheritance } = this.supervisor
    try {
      if (proxy !== null) await this.#proxy.start(proxy)
    } catch (error) {
      // A mistake in proxy.json, say: until it is mended, what serves goes on.
      if (this.#stopping === null) inheritance.leave()
      throw error
    }
    void inheritance.endRest()
    this.supervisor.sockets.closeReserved() // proxy.json may have changed meanwhile
    await this.addWorkers(workers)
    if (master !== null) await import(pathToFileURL(master).href)
  }

  /** Starts workers beside those that run, all entries at once. @throws CserviceError why the first one failed */
  async addWorkers(entries: readonly WorkerEntry[]): Promise<void> {
    const results = await Promise.allSettled(entries.map((entry) => this.plain.start(entry)))
    const failure = results.find((result) => result.status === 'rejected')
    if (failure) throw failure.reason
  }

  /** @param onProgress told how far a long command is */
  runCommand(line: readonly string[] | string, caller: Caller, onProgress?: (text: string) => void): Promise<unknown> {
    return this.registry.run(line, caller, { onProgress })
  }

  /** Ends everything gracefully. A command must not wait for it: it waits for commands. */
  stop(reason: string): Promise<void> {
    this.#stopping ??= this.#stop(reason)
    return this.#stopping
  }

  /** Ends everything at once. */
  kill(): void {
    this.#recycler.stop()
    void this.supervisor.kill()
    this.#control?.kill()
    this.#lock.release()
    this.#setStopped({ exitCode: 1 })
  }

  async #stop(reason: string): Promise<void> {
    this.#log.info({ reason }, 'stopping')
    await this.#stopWorkers()
    this.registry.stop()
    await this.#control?.stop()
    this.#lock.release()
    this.#setStopped({ exitCode: 0 })
  }

  /** First the proxy, whose requests in flight still need their workers. Said again, the shortest timeout holds. */
  async #stopWorkers(timeout?: number): Promise<void> {
    this.#recycler.stop()
    this.#proxyClosing ??= this.#proxy.close()
    await this.#proxyClosing
    await this.supervisor.stop(timeout)
  }

  #openControl(directory: string): Promise<ControlServer> {
    const { port, host, accessKey, ssl, allowHttpGet } = this.#settings
    return ControlServer.open({
      port,
      host,
      allowHttpGet,
      registry: this.registry,
      directory,
      probes: {
        findFaults: () => this.#findFaults(),
        findHindrances: () => this.#findHindrances(),
      },
      log: this.#log,
      ...(accessKey === null ? {} : { accessKey }),
      ...(ssl === null ? {} : { ssl }),
    })
  }

  #registerCommands(): CommandRegistry {
    const { supervisor, plain } = this
    const { restartConcurrencyRatio: ratio, workerDefaults } = this.#settings
    const registry = new CommandRegistry(this.#log)
    registry.register(exitCommand(() => this.#exit()))
    registry.register(healthCommand(() => this.#findProblems()))
    registry.register(helpCommand(registry))
    registry.register(infoCommand(supervisor))
    registry.register(proxyCommand(this.#proxy))
    registry.register(restartCommand(supervisor, ratio))
    registry.register(
      shutdownCommand({
        supervisor,
        stopService: (timeout) => this.#shutDown(timeout),
        isIdle: () => this.#isIdle(),
      }),
    )
    registry.register(startCommand(plain, workerDefaults))
    registry.register(upgradeCommand(supervisor, plain, ratio))
    registry.register(versionCommand())
    registry.register(localsCommand(() => ({ pid: process.pid, workers: supervisor.workers.map(describeWorker) })))
    registry.register(optionsCommand(() => this.#settings))
    registry.register(workerExitCommand())
    registry.register(workerStartCommand())
    registry.register(workersCommand(supervisor))
    return registry
  }

  async #findProblems(): Promise<string[]> {
    const gateway = await this.#proxy.find()
    return [...(gateway ? findProblems(gateway) : []), ...poolProblems(this.plain.pools)]
  }

  /** What only a restart can mend: pools are tried again for ever, but a port that was lost is not. */
  #findFaults(): string[] {
    const gateway = this.#proxy.current
    return gateway ? closedPorts(gateway) : []
  }

  #findHindrances(): string[] {
    if (this.#proxyClosing !== null) return ['the service is stopping']
    const gateway = this.#proxy.current
    const hasNothing = gateway === null && (this.#settings.proxy !== null || this.plain.pools.length === 0)
    return [
      ...(hasNothing ? ['no proxy is running, or it is still starting'] : []),
      ...(gateway ? findHindrances(gateway) : []),
      ...poolHindrances(this.plain.pools),
    ]
  }

  /** Whether the last worker of a plain service has gone: it has nothing left to do then. */
  async #isIdle(): Promise<boolean> {
    await this.plain.forgetEmptyPools()
    return this.plain.pools.length === 0 && (await this.#proxy.find()) === null
  }

  /** For the command, which answers when the workers are gone, and before the control surface is. */
  async #shutDown(timeout: number): Promise<void> {
    await this.#stopWorkers(timeout)
    setImmediate(() => void this.stop('shutdown all'))
  }

  #exit(): void {
    this.kill()
    process.exit(0)
  }
}

/** Whether a worker is trusted less than this process, since it runs as another user. */
function runsAsAnother({ entry }: WorkerHandle): boolean {
  return entry !== null && entry.uid !== null && entry.uid !== process.getuid?.()
}

function describeWorker({ id, pid, name, kind, state, reason, file, cwd, places }: WorkerHandle) {
  return { id, pid, name, kind, state, reason, file, cwd, listensOn: places }
}

export function startService(options: ServiceOptions): Promise<Service> {
  return Service.start(options)
}
