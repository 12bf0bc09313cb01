import { CserviceError, toCserviceError } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import type { Spares } from '../supervisor/spares/spares.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { openCertificates } from './certificates/certificates.ts'
import { type ConfigChange, ConfigFollower } from './config/config-follower.ts'
import { isServedAlike } from './config/is-served-alike.ts'
import { loadConfig } from './config/load-config.ts'
import type { ProxyConfig } from './config/proxy-config.ts'
import { rewriteDefaultVersion } from './config/rewrite-config.ts'
import { LiveVersion, type PromoteAnswer } from './live-version.ts'
import { ProxyProcesses } from './proxy-processes.ts'
import { RoutePublisher } from './route-publisher.ts'
import { Catalog } from './versions/catalog.ts'
import { Journal } from './versions/journal.ts'
import { PortLeases } from './versions/port-leases.ts'
import type { Version } from './versions/version.ts'
import { VersionPools } from './versions/version-pools.ts'
import { Versions } from './versions/versions.ts'

/** How long proxy processes may take to use a new route table, in milliseconds. */
const acknowledgeDeadline = 10_000
/** How often it is looked for versions that idle out, in milliseconds. */
const idleCheckInterval = 1_000

export interface GatewayOptions {
  readonly supervisor: Supervisor
  readonly log: Log
  /** Milliseconds for which a taken port is tried again, because a crashed predecessor may still hold it. */
  readonly patience?: number
}

export interface VersionAnswer {
  readonly version: string
  readonly workers: number
  readonly started: number
  readonly stopped: number
}

/**
 * The control plane: composition root of everything that knows of versions. It owns the catalog and wires the parts; each
 * part owns the rest: ConfigFollower the configuration in force, LiveVersion what is live, Versions the pools,
 * ProxyProcesses the data plane, RoutePublisher what the data plane knows.
 */
export class Gateway {
  readonly live: LiveVersion
  readonly publisher = new RoutePublisher()
  readonly versions: Versions
  readonly processes: ProxyProcesses
  readonly configuration: ConfigFollower
  readonly spares: Spares
  readonly #leases: PortLeases
  readonly #pools: VersionPools
  readonly #log: Log
  #catalog: Catalog
  #isPublishDue = false
  #started: Promise<void> = Promise.resolve()
  #stopping: Promise<void> | null = null
  #queue: Promise<unknown> = Promise.resolve()
  #idleTimer: NodeJS.Timeout | null = null

  private constructor(config: ProxyConfig, catalog: Catalog, { supervisor, log }: GatewayOptions) {
    this.#catalog = catalog
    this.#log = log
    this.spares = supervisor.spares
    this.configuration = new ConfigFollower(config, log)
    this.#leases = new PortLeases(config.versionPorts)
    const inForce = () => this.configuration.inForce
    const publish = () => this.#publish()
    const { publisher } = this
    this.#pools = new VersionPools({ supervisor, publisher, leases: this.#leases, config: inForce, publish })
    this.versions = new Versions(this.#pools)
    this.versions.on('change', () => this.#publishSoon())
    this.live = new LiveVersion(config.defaultVersion, {
      lookUp: (name) => this.#lookUp(name, 1),
      find: (name) => this.versions.find(name),
      recordLive: async (name) => (await rewriteDefaultVersion(config.file, name)).undo,
      acknowledged: (epoch) => publisher.acknowledged(epoch, acknowledgeDeadline),
      publish,
      config: inForce,
      journal: new Journal(config.file, log),
      log,
    })
    const listener = {
      onDemand: (version: string) => this.#startOnDemand(version),
      onCounters: this.versions.count.bind(this.versions),
      onSourceGone: (source: string) => this.versions.forgetSource(source),
    }
    this.processes = new ProxyProcesses(supervisor, publisher, listener, config, log)
    this.#followCatalog()
    // The former live version may have been kept although its folder is gone.
    this.live.on('promoted', () => this.#dropMissing())
  }

  /**
   * Loads the configuration, opens the bindings, and begins to start the live version: see `started`.
   * @param signal calls it off
   * @throws CserviceError when the configuration is wrong or a binding cannot be opened; then nothing is left running
   */
  static async open(file: string, options: GatewayOptions, signal: AbortSignal): Promise<Gateway> {
    const { config, warnings } = await loadConfig(file)
    for (const warning of warnings) options.log.warn(warning.message)
    const certificates = await openCertificates(config, config.bindings, options.log)
    const gateway = new Gateway(config, await Catalog.open(config.versionPath, config.workerFilename), options)
    const callOff = () => void gateway.stop()
    signal.addEventListener('abort', callOff)
    try {
      signal.throwIfAborted()
      gateway.#publish()
      gateway.#started = gateway.live.start()
      gateway.#pools.keepSpares(config)
      await gateway.processes.open(certificates, options.patience ?? 0)
      await gateway.configuration.watch(gateway.#configChange(), (action) => gateway.#exclusively(action))
      signal.throwIfAborted()
      gateway.#idleTimer = setInterval(() => gateway.#stopIdle(), idleCheckInterval)
      return gateway
    } catch (error) {
      await gateway.stop()
      throw signal.aborted ? new CserviceError('SHUTTING_DOWN') : error
    } finally {
      signal.removeEventListener('abort', callOff)
    }
  }

  /**
   * Resolves when the live version is up, or has failed to start. That is no reason to stay away: the others can be served,
   * another one can be promoted, and the next request tries it again.
   */
  get started(): Promise<void> {
    return this.#started
  }

  get config(): ProxyConfig {
    return this.configuration.inForce
  }

  get catalog(): Catalog {
    return this.#catalog
  }

  /** Workers that a version gets when nobody says how many. */
  defaultCount(version: string): number {
    return version === this.live.name ? this.config.workerCount : this.config.nonDefaultWorkerCount
  }

  /**
   * Brings a version to a number of workers; 0 stops it, also while it is starting.
   * @throws CserviceError UNKNOWN_VERSION, VERSION_LIMIT, or why a worker did not become ready; then all is as before
   */
  async scaleVersion(name: string, workers: number): Promise<VersionAnswer> {
    const version = await this.#lookUp(name, workers)
    const { started, stopped } = await version.scale(workers, 'scale')
    return { version: name, workers, started, stopped }
  }

  /**
   * Makes a version live, whole or not at all. The former live version is shrunk afterwards, in the background.
   * @param by who asked, for the journal
   */
  promote(name: string, workers: number, by: string): Promise<PromoteAnswer> {
    return this.#exclusively(() => this.live.promote(name, workers, by))
  }

  /** Stops proxy processes and version workers gracefully. Nothing is started any more, also by what is half way. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    if (this.#idleTimer) clearInterval(this.#idleTimer)
    await this.configuration.close()
    await this.spares.close()
    await this.processes.close()
    this.#pools.close()
    await this.versions.stop()
    await this.#queue
    await this.#catalog.close()
  }

  /** @throws CserviceError UNKNOWN_VERSION; VERSION_LIMIT if it is to run and cannot */
  async #lookUp(name: string, workers: number): Promise<Version> {
    if (this.#stopping) throw new CserviceError('SHUTTING_DOWN')
    await this.#catalog.rescan()
    if (!this.#catalog.has(name)) throw new CserviceError('UNKNOWN_VERSION', await this.#catalog.explain(name))
    const version = this.versions.get(name)
    if (workers > 0) this.#makeRoom(version)
    return version
  }

  #makeRoom(version: Version): void {
    this.versions.makeRoom(version, this.live.name, this.config.maxRunningVersions)
  }

  /** A proxy process has a request for a version that does not run; any number of such requests make one start. */
  #startOnDemand(name: string): void {
    if (this.#stopping || !this.#catalog.has(name)) return
    const version = this.versions.get(name)
    if (!version.mayStart(Date.now())) return
    try {
      this.#makeRoom(version)
    } catch (error) {
      version.refuse(toCserviceError(error))
      return
    }
    version.scale(this.defaultCount(name), 'demand').catch((error: unknown) => {
      if (!this.#stopping) this.#log.error({ err: error }, `${name}, which a request asked for, did not start`)
    })
  }

  #stopIdle(): void {
    for (const version of this.versions.idle(this.live.name, this.config.nonDefaultWorkerIdleTime * 1_000)) {
      this.#log.info({ version: version.name }, `${version.name} idles out`)
      void version.stop()
    }
  }

  /** Once for all changes of one turn. */
  #publishSoon(): void {
    if (this.#isPublishDue) return
    this.#isPublishDue = true
    setImmediate(() => {
      this.#isPublishDue = false
      this.#publish()
    })
  }

  #publish(): number {
    const names = new Set<string>(this.#catalog.names)
    const live = this.live.name
    // Whose folder has vanished goes on with what it has in memory, if it is the live one.
    if (live !== null && this.versions.find(live)?.isRunning) names.add(live)
    return this.publisher.publish({ live, versions: this.versions.routes(names) })
  }

  #followCatalog(): void {
    this.#catalog.on('change', () => {
      this.#dropMissing()
      this.#publishSoon()
    })
  }

  /** Whenever the catalog has changed, or a version is not live any more: what keeps one without a folder alive. */
  #dropMissing(): void {
    const { versionPath } = this.#catalog
    for (const { name } of this.versions.dropMissing((name) => this.#catalog.has(name), this.live.name)) {
      this.#log.warn({ version: name }, `${name} is gone from ${versionPath}; it is stopped`)
    }
  }

  #configChange(): ConfigChange {
    return {
      prepare: async (next, former) => {
        if (isServedAlike(next, former)) return
        const isMoved = next.versionPath !== former.versionPath || next.workerFilename !== former.workerFilename
        const catalog = isMoved ? await Catalog.open(next.versionPath, next.workerFilename) : null
        try {
          await this.processes.apply(next)
        } catch (error) {
          await catalog?.close()
          throw error
        }
        this.#pools.keepSpares(next)
        this.#leases.setRange(next.versionPorts.min, next.versionPorts.max)
        if (catalog) await this.#replaceCatalog(catalog)
        this.#log.info({ file: next.file }, 'the configuration was changed and is in force')
      },
      settle: async (next, former) => {
        const live = this.live.name
        if (next.defaultVersion === null && live !== null) {
          this.live.clear()
          this.#dropMissing()
        } else if (next.defaultVersion !== null && next.defaultVersion !== live) {
          await this.live.followEdit(next.defaultVersion, next.workerCount)
        } else if (live !== null && next.workerCount !== former.workerCount) {
          await this.versions.find(live)?.scale(next.workerCount, 'scale')
        }
      },
    }
  }

  async #replaceCatalog(catalog: Catalog): Promise<void> {
    const former = this.#catalog
    this.#catalog = catalog
    this.#followCatalog()
    await former.close()
    this.#dropMissing()
    this.#publish()
  }

  /** One after another: a promote must not meet another one, or a change of the configuration, half way. */
  #exclusively<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(action)
    this.#queue = result.catch(() => {})
    return result
  }
}
