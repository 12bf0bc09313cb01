import { isDeepStrictEqual } from 'node:util'
import { CserviceError } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import type { FoundProcess } from '../supervisor/found-process.ts'
import { type ListeningPlace, refuseForbidden } from '../supervisor/listening-sockets.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { WorkerHandle } from '../supervisor/worker.ts'
import { Binding } from './binding.ts'
import type { BindingCertificates } from './certificates/binding-certificates.ts'
import { type CertificatesOf, openCertificates } from './certificates/certificates.ts'
import type { BindingConfig, ProxyConfig } from './config/proxy-config.ts'
import { dataplaneSettings } from './dataplane-settings.ts'
import type { FromProxyProcess, MirrorCounters, VersionCounters } from './messages.ts'
import { RefusalTotals } from './refusal-totals.ts'
import type { RoutePublisher } from './route-publisher.ts'
import type { SkewSettings } from './routing/selection-settings.ts'
import { bindingOf } from './tags.ts'

/** How long a port is tried again that the former processes of its binding are about to let go of, in milliseconds. */
const handOverPatience = 5_000

/** The rest of the control plane, as far as proxy processes have to do with it. */
export interface DataplaneListener {
  onDemand(version: string): void
  onCounters(source: string, counters: readonly VersionCounters[]): void
  onMirrored(counts: MirrorCounters): void
  onSourceGone(source: string): void
  /** What they are to do about skew. @param isSecure whether their clients come by HTTPS */
  skewSettings(isSecure: boolean): SkewSettings | null
}

/** The data plane as the control plane sees it: all bindings and their proxy processes. Owns them. */
export class ProxyProcesses {
  readonly refused = new RefusalTotals()
  readonly #supervisor: Supervisor
  readonly #publisher: RoutePublisher
  readonly #listener: DataplaneListener
  readonly #log: Log
  readonly #bindings: Binding[] = []
  readonly #closed = new AbortController()
  /** Openings and closings under way; `close` waits for them. */
  readonly #underWay = new Set<Promise<unknown>>()
  #config: ProxyConfig

  constructor(
    supervisor: Supervisor,
    publisher: RoutePublisher,
    listener: DataplaneListener,
    config: ProxyConfig,
    log: Log,
  ) {
    this.#supervisor = supervisor
    this.#publisher = publisher
    this.#listener = listener
    this.#config = config
    this.#log = log
  }

  /** In the order of the configuration, not that in which they came to be open. */
  get bindings(): readonly Binding[] {
    const place = (binding: Binding) =>
      this.#config.bindings.findIndex((wanted) => isSamePlace({ config: wanted }, binding))
    return this.#bindings.toSorted((one, other) => place(one) - place(other))
  }

  /** Opens all bindings of the configuration, or none. @param patience see Binding.open */
  async open(certificates: CertificatesOf, patience: number): Promise<void> {
    const { bindings } = this.#config
    const open = (binding: BindingConfig) => this.#openBinding(binding, certificates.get(binding) ?? null, patience)
    try {
      await allOrFirstError(bindings.map(open))
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /**
   * Takes over a new configuration: new bindings are opened, changed ones get new processes on the same socket or are
   * resized, others closed; all get the new settings.
   * @throws CserviceError when a binding cannot be opened or changed; then the ones there were go on as before
   */
  async apply(config: ProxyConfig): Promise<void> {
    const former = this.#config
    const before = [...this.#bindings]
    const changes = config.bindings.filter((wanted) => !before.some((binding) => isSame(wanted, binding.config)))
    const certificates = await openCertificates(config, changes, this.#log)
    // A port that moves to another address must be closed there first; one that stays where it is never closes.
    const moved = before.filter(({ config: { port } }) =>
      changes.some((wanted) => wanted.port === port && !find(wanted)),
    )
    // It could not be opened here again either: once it had root, this process has it no more.
    await Promise.all(moved.length === 0 ? [] : changes.map(refuseForbidden))
    this.#config = config
    for (const binding of moved) void this.#closeBinding(binding)
    try {
      await allOrFirstError(
        changes.map((wanted) =>
          this.#openBinding(wanted, certificates.get(wanted) ?? null, handOverPatience, find(wanted)),
        ),
      )
      await this.#resize(config)
    } catch (error) {
      this.#config = former
      const opened = this.#bindings.filter((binding) => !before.includes(binding))
      await Promise.all(
        opened.map((binding) =>
          this.#remove(
            binding,
            before.some((other) => isSamePlace(other, binding)),
          ),
        ),
      )
      await Promise.allSettled(
        moved.map((binding) => this.#openBinding(binding.config, binding.certificates, handOverPatience)),
      )
      await this.#resize(former).catch(() => {})
      throw error // the reason; a port that could not be opened again is missing until proxy.json changes once more
    }
    for (const binding of before.filter((candidate) => this.#bindings.includes(candidate))) {
      if (config.bindings.some((wanted) => isSame(wanted, binding.config))) continue
      const hasSuccessor = this.#bindings.some((other) => other !== binding && isSamePlace(other, binding))
      void this.#remove(binding, hasSuccessor)
    }
    for (const binding of this.#bindings) binding.configure()

    function find(wanted: BindingConfig): Binding | undefined {
      return before.find((binding) => isSamePlace({ config: wanted }, binding))
    }
  }

  async #resize(config: ProxyConfig): Promise<void> {
    for (const { config: binding, pool } of this.#bindings) {
      const wanted = config.bindings.find((candidate) => isSame(candidate, binding))
      if (wanted && wanted.workerCount !== pool.size) await pool.scale(wanted.workerCount, 'scale')
    }
  }

  /** Stops accepting everywhere, drains, and closes the ports, for good: what is being opened is closed as well. */
  async close(): Promise<void> {
    this.#closed.abort()
    for (const binding of [...this.#bindings]) void this.#closeBinding(binding)
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
  }

  #openBinding(
    config: BindingConfig,
    certificates: BindingCertificates | null,
    patience: number,
    predecessor?: Binding,
  ): Promise<void> {
    return this.#track(this.#open(config, certificates, patience, predecessor))
  }

  async #open(
    config: BindingConfig,
    certificates: BindingCertificates | null,
    patience: number,
    predecessor?: Binding,
  ): Promise<void> {
    const owner = {
      certificates,
      settings: () => {
        const tls = certificates?.settings ?? null
        return dataplaneSettings(this.#config, config, tls, this.#listener.skewSettings(tls !== null))
      },
      onConnected: (worker: WorkerHandle) => this.#publisher.subscribe(worker),
      onMessage: (worker: WorkerHandle, message: FromProxyProcess) => this.#receive(worker, message),
      onExit: (worker: WorkerHandle) => {
        this.#publisher.unsubscribe(worker)
        this.#listener.onSourceGone(worker.id)
      },
    }
    const { signal } = this.#closed
    if (signal.aborted) throw new CserviceError('SHUTTING_DOWN')
    const found = this.#found(config)
    const binding = predecessor
      ? await predecessor.succeed(config, owner)
      : found.length > 0
        ? await Binding.adopt(config, this.#supervisor, owner, found)
        : await Binding.open(config, this.#supervisor, owner, patience, signal)
    this.#bindings.push(binding)
    if (!signal.aborted) return
    await this.#closeBinding(binding)
    throw new CserviceError('SHUTTING_DOWN')
  }

  /** Processes of an earlier supervisor that serve this port. */
  #found(config: BindingConfig): readonly FoundProcess[] {
    return this.#supervisor.inheritance.processes.filter((found) => {
      const tag = bindingOf(found)
      return tag !== null && isSamePlace({ config }, { config: tag })
    })
  }

  #closeBinding(binding: Binding): Promise<void> {
    return this.#remove(binding, false)
  }

  /** @param keepsSocket another binding goes on with its socket */
  #remove(binding: Binding, keepsSocket: boolean): Promise<void> {
    const index = this.#bindings.indexOf(binding)
    if (index !== -1) this.#bindings.splice(index, 1)
    return this.#track(keepsSocket ? binding.retire() : binding.close())
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
    else if (message.type === 'mirrored') this.#listener.onMirrored(message.counts)
    else if (message.type === 'refused') this.refused.add(message.counts)
    // `ejected` is for the process's own log: the pool acts on the exit of the worker itself.
  }
}

/** Waits for all, also after one has failed. @throws the first error */
async function allOrFirstError(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

/** Whether two entries are the same port served the same way; the number of processes may differ. */
function isSame(a: BindingConfig, b: BindingConfig): boolean {
  return isDeepStrictEqual({ ...a, workerCount: 0 }, { ...b, workerCount: 0 })
}

/** Whether one socket can serve both. */
function isSamePlace(a: { readonly config: ListeningPlace }, b: { readonly config: ListeningPlace }): boolean {
  return a.config.port === b.config.port && a.config.host === b.config.host
}
