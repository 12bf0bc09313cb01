import { CserviceError } from '../common/errors.ts'
import type { ServiceAddress } from '../settings/resolve-settings.ts'
import type { ServiceSettings } from '../settings/service-settings.ts'
import type { Caller } from '../supervisor/control/command.ts'
import type { WorkerHandle } from '../supervisor/worker.ts'
import { viewOf } from '../supervisor/worker-view.ts'
import type { ServiceWorker } from './cservice.ts'
import type { CustomCommands } from './custom-commands.ts'
import { defaultOptions, type StartOptions, type WorkerOptions } from './options.ts'
import { toOptions } from './options-of-settings.ts'
import type { RunningService } from './running-service.ts'

interface Running {
  readonly service: RunningService
  readonly settings: ServiceSettings
  hasBegun: boolean
}

const caller: Caller = { level: 'inproc', name: 'program' }

/**
 * A program that runs a service: at most one at a time, here or (attached) in another process. Calls of `start` and `stop`
 * take turns, in the order in which they come.
 */
export class Program {
  readonly #commands: CustomCommands
  #options: StartOptions = defaultOptions
  #running: Running | null = null
  #attachedTo: ServiceAddress | null = null
  /** Calls of `start` that are not answered yet. */
  #starts = 0
  /** Who waits until a service that is being started can be given commands, or has failed. */
  readonly #waitingForLaunch = new Set<() => void>()
  #turns: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(commands: CustomCommands) {
    this.#commands = commands
  }

  get options(): StartOptions {
    return this.#options
  }

  get state(): 0 | 1 | 2 {
    if (this.#attachedTo !== null) return 2
    if (this.#running !== null) return this.#running.hasBegun ? 2 : 1
    return this.#starts > 0 ? 1 : 0
  }

  get isBusy(): boolean {
    return this.#waiting > 0
  }

  get isAttached(): boolean {
    return this.#attachedTo !== null
  }

  get running(): Running | null {
    return this.#running
  }

  /** Live workers of plain services. */
  get workers(): readonly ServiceWorker[] {
    const handles = this.#running?.service.supervisor.workers ?? []
    return handles.filter(isLive).map((handle) => viewOf(handle) as unknown as ServiceWorker)
  }

  /** Starts the service, or adds workers to it. @throws CserviceError the first thing that went wrong */
  async start(given: StartOptions | undefined): Promise<unknown> {
    if (given !== undefined && (typeof given !== 'object' || Array.isArray(given))) {
      throw new CserviceError('BAD_USAGE', "The options of start are an object: start({ config: 'config.json' })")
    }
    const options = given ?? (await readCommandLine())
    if (typeof options.run === 'string') {
      const { runRemotely } = await import('./launch-service.ts')
      return await runRemotely(options, options.run)
    }
    this.#starts++
    try {
      // Out of turn for who is part of the start that is under way: a master module would wait for itself.
      if (this.#running?.hasBegun === false) await this.#addWorkers(options)
      else await this.#inTurn(() => (this.#isThere() ? this.#addWorkers(options) : this.#start(options)))
    } finally {
      this.#starts--
    }
    return null
  }

  /**
   * @param timeout milliseconds after which what is left is ended at once; 0 or undefined: never
   */
  stop(timeout = 0): Promise<string> {
    // Out of turn for a service that is being started: it may never be ready, and a master module would wait for itself.
    if (this.#running?.hasBegun === false) return this.#stop(timeout)
    return this.#inTurn(() => this.#stop(timeout))
  }

  /** @throws CserviceError UNKNOWN_COMMAND, and whatever the command throws */
  async trigger(name: string, args: readonly unknown[]): Promise<unknown> {
    if (this.state === 1 && this.#running === null) {
      await new Promise<void>((resolve) => this.#waitingForLaunch.add(resolve))
    }
    if (this.#attachedTo !== null) {
      const { callRemotely } = await import('./launch-service.ts')
      return await callRemotely(this.#attachedTo, name, args)
    }
    if (this.#running === null) return await this.#commands.run(name, args)
    const { registry } = this.#running.service
    if (registry.get(name) === undefined) throw new CserviceError('UNKNOWN_COMMAND', `Event ${name} not found`)
    return await registry.call(name, args, caller)
  }

  /**
   * Makes a service that was started otherwise (by the command line) the one of this program, and begins it: commands and
   * modules of its user then find it in the library.
   * @throws CserviceError the first thing that went wrong
   */
  async adopt(service: RunningService, settings: ServiceSettings): Promise<void> {
    this.#options = { ...defaultOptions, ...toOptions(settings) }
    const running = await this.#take(service, settings)
    await service.begin()
    if (this.#running !== running) throw stoppedEarly()
    running.hasBegun = true
  }

  /** Starts one more worker. @throws CserviceError WORKER_NOT_FOUND, WORKER_FAILED, BAD_USAGE where nothing runs */
  async newWorker(options: WorkerOptions = {}): Promise<ServiceWorker> {
    const running = this.#running
    if (running === null) throw new CserviceError('BAD_USAGE', 'No service runs here: call start first')
    const { startWorker } = await import('./start-worker.ts')
    return (await startWorker(running, options)) as unknown as ServiceWorker
  }

  #isThere(): boolean {
    return this.#running !== null || this.#attachedTo !== null
  }

  async #start(options: StartOptions): Promise<void> {
    this.#options = { ...defaultOptions, ...options }
    const launched = await this.#launch(options).finally(() => {
      for (const go of this.#waitingForLaunch) go()
      this.#waitingForLaunch.clear()
    })
    if (launched === null) return
    const { running, openConsole } = launched
    try {
      await running.service.begin()
      if (this.#running !== running) throw stoppedEarly()
      running.hasBegun = true
      openConsole()
    } catch (error) {
      await running.service.stop('it could not start')
      this.#forget(running.service)
      throw error
    }
  }

  async #launch(options: StartOptions): Promise<{ running: Running; openConsole(): void } | null> {
    const { launch } = await import('./launch-service.ts')
    const launched = await launch(options)
    if ('attachedTo' in launched) {
      this.#attachedTo = launched.attachedTo
      return null
    }
    const isGiven = ([, value]: [string, unknown]) => value !== undefined
    const given = Object.fromEntries(Object.entries(options).filter(isGiven))
    // A configuration file has options too.
    this.#options = { ...defaultOptions, ...toOptions(launched.settings), ...given }
    const running = await this.#take(launched.service, launched.settings)
    return { running, openConsole: launched.openConsole }
  }

  /** From now on this service is the program's; it has the program's commands, and those of its settings. */
  async #take(service: RunningService, settings: ServiceSettings): Promise<Running> {
    const running = { service, settings, hasBegun: false }
    this.#running = running
    void service.stopped.then(() => this.#forget(service))
    try {
      await this.#commands.load(settings.commands)
      await this.#commands.registerWith(service.registry)
    } catch (error) {
      await service.stop('it could not start')
      this.#forget(service)
      throw error
    }
    return running
  }

  async #addWorkers(options: StartOptions): Promise<void> {
    if (this.#running === null) return // attached: the other process has its own
    if (options.commands) await this.#commands.load(options.commands)
    const { resolveSettings } = await import('../settings/resolve-settings.ts')
    // The file of the first call still says how workers are, but not again which.
    const which = options.config === undefined ? { workers: options.workers ?? null } : {}
    const { settings } = await resolveSettings({ ...this.#options, workers: undefined, ...options, ...which })
    await this.#running.service.addWorkers(settings.workers)
  }

  async #stop(timeout: number): Promise<string> {
    this.#attachedTo = null
    if (this.#running === null) return 'Not running'
    const { service } = this.#running
    const timer = timeout > 0 ? setTimeout(() => service.kill(), timeout) : undefined
    try {
      await service.stop('stop')
      await service.stopped
    } finally {
      clearTimeout(timer)
    }
    this.#forget(service)
    return 'Shutting down...'
  }

  #forget(service: RunningService): void {
    if (this.#running?.service !== service) return
    this.#running = null
    this.#commands.release()
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#waiting++
    const turn = this.#turns.then(work)
    this.#turns = turn.catch(() => {})
    try {
      return await turn
    } finally {
      this.#waiting--
    }
  }
}

function stoppedEarly(): CserviceError {
  return new CserviceError('CANCELLED', 'The service was stopped before it was ready')
}

async function readCommandLine(): Promise<StartOptions> {
  const { optionsOfCommandLine } = await import('./command-line-options.ts')
  return optionsOfCommandLine()
}

/** Online and not about to leave. */
function isLive(handle: WorkerHandle): boolean {
  const isUp = handle.state === 'starting' || handle.state === 'ready'
  return isUp && (handle.clusterWorker?.isConnected() ?? false)
}
