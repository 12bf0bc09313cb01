import { isDeepStrictEqual } from 'node:util'
import { CserviceError } from '../common/errors.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { WorkerHandle } from '../supervisor/worker.ts'
import { Binding } from './binding.ts'
import type { BindingConfig, ProxyConfig } from './config/proxy-config.ts'
import { dataplaneSettings } from './dataplane-settings.ts'
import type { FromProxyProcess, VersionCounters } from './messages.ts'
import type { RoutePublisher } from './route-publisher.ts'

/** How long a port is tried again that the former processes of its binding are about to let go of, in milliseconds. */
const handOverPatience = 5_000

/** What proxy processes have to say to the rest of the control plane. */
export interface DataplaneListener {
  onDemand(version: string): void
  onCounters(source: string, counters: readonly VersionCounters[]): void
  onSourceGone(source: string): void
}

/** The data plane as the control plane sees it: all bindings and their proxy processes. Owns them. */
export class ProxyProcesses {
  readonly #supervisor: Supervisor
  readonly #publisher: RoutePublisher
  readonly #listener: DataplaneListener
  readonly #bindings: Binding[] = []
  readonly #closed = new AbortController()
  /** Openings and closings under way; `close` waits for them. */
  readonly #underWay = new Set<Promise<unknown>>()
  #config: ProxyConfig

  constructor(supervisor: Supervisor, publisher: RoutePublisher, listener: DataplaneListener, config: ProxyConfig) {
    this.#supervisor = supervisor
    this.#publisher = publisher
    this.#listener = listener
    this.#config = config
  }

  get bindings(): readonly Binding[] {
    return this.#bindings
  }

  /** Opens all bindings of the configuration, or none. @param patience see Binding.open */
  async open(patience: number): Promise<void> {
    const results = await Promise.allSettled(
      this.#config.bindings.map((binding) => this.#openBinding(binding, patience)),
    )
    const failed = results.find((result) => result.status === 'rejected')
    if (!failed) return
    await this.close()
    throw failed.reason
  }

  /**
   * Takes over a new configuration: new bindings are opened, changed ones reopened or resized, others closed; all get the
   * new settings. What a process can only learn at its start (certificates) means a new binding.
   * @throws CserviceError when a binding cannot be opened; then the ones there were go on as before
   */
  async apply(config: ProxyConfig): Promise<void> {
    const surplus = this.#bindings.filter(
      (binding) => !config.bindings.some((wanted) => isSamePlace(wanted, binding.config)),
    )
    const added = config.bindings.filter(
      (wanted) => !this.#bindings.some((binding) => isSamePlace(wanted, binding.config)),
    )
    const former = this.#config
    this.#config = config
    const reopened = surplus.filter(({ port }) => added.some((wanted) => wanted.port === port))
    for (const binding of reopened) void this.#closeBinding(binding)
    try {
      const results = await Promise.allSettled(added.map((binding) => this.#openBinding(binding, handOverPatience)))
      const failed = results.find((result) => result.status === 'rejected')
      if (failed) throw failed.reason
      await this.#resize(config)
    } catch (error) {
      this.#config = former
      const opened = this.#bindings.filter((binding) => added.includes(binding.config))
      await Promise.all(opened.map((binding) => this.#closeBinding(binding)))
      await Promise.allSettled(reopened.map((binding) => this.#openBinding(binding.config, handOverPatience)))
      await this.#resize(former).catch(() => {})
      throw error // the reason; a binding that could not be opened again is missing until proxy.json changes once more
    }
    for (const binding of surplus) if (!reopened.includes(binding)) void this.#closeBinding(binding)
    for (const binding of this.#bindings) binding.configure()
  }

  async #resize(config: ProxyConfig): Promise<void> {
    for (const { config: binding, pool } of this.#bindings) {
      const wanted = config.bindings.find((candidate) => isSamePlace(candidate, binding))
      if (wanted && wanted.workerCount !== pool.size) await pool.scale(wanted.workerCount, 'scale')
    }
  }

  /** Stops accepting everywhere, drains, and closes the ports, for good: what is being opened is closed as well. */
  async close(): Promise<void> {
    this.#closed.abort()
    for (const binding of [...this.#bindings]) void this.#closeBinding(binding)
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
  }

  #openBinding(config: BindingConfig, patience: number): Promise<void> {
    return this.#track(this.#open(config, patience))
  }

  async #open(config: BindingConfig, patience: number): Promise<void> {
    const owner = {
      settings: () => dataplaneSettings(this.#config, config),
      onConnected: (worker: WorkerHandle) => this.#publisher.subscribe(worker),
      onMessage: (worker: WorkerHandle, message: FromProxyProcess) => this.#receive(worker, message),
      onExit: (worker: WorkerHandle) => {
        this.#publisher.unsubscribe(worker)
        this.#listener.onSourceGone(worker.id)
      },
    }
    const { signal } = this.#closed
    if (signal.aborted) throw new CserviceError('SHUTTING_DOWN')
    const binding = await Binding.open(config, this.#supervisor, owner, patience, signal)
    this.#bindings.push(binding)
    if (!signal.aborted) return
    await this.#closeBinding(binding)
    throw new CserviceError('SHUTTING_DOWN')
  }

  #closeBinding(binding: Binding): Promise<void> {
    const index = this.#bindings.indexOf(binding)
    if (index !== -1) this.#bindings.splice(index, 1)
    return this.#track(binding.close())
  }

  #track(work: Promise<void>): Promise<void> {
    const tracked = work.finally(() => this.#underWay.delete(tracked))
    this.#underWay.add(tracked)
    return tracked
  }

  #receive(worker: WorkerHandle, message: FromProxyProcess): void {
    if (message.type === 'ack') this.#publisher.acknowledge(worker, message.epoch)
    else if (message.type === 'released') this.#publisher.release(worker, message.targets)
    else if (message.type === 'demand') this.#listener.onDemand(message.version)
    else if (message.type === 'counters') this.#listener.onCounters(worker.id, message.versions)
    // `ejected` is for the process's own log: the pool acts on the exit of the worker itself.
  }
}

/** Whether two binding entries are the same port served the same way; the number of processes may differ. */
function isSamePlace(a: BindingConfig, b: BindingConfig): boolean {
  return isDeepStrictEqual({ ...a, workerCount: 0 }, { ...b, workerCount: 0 })
}
