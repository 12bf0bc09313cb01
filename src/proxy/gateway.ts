import { CserviceError } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import type { Spares } from '../supervisor/spares/spares.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { applyEdit } from './apply-edit.ts'
import { openCertificates } from './certificates/certificates.ts'
import { ColdStarts } from './cold-starts.ts'
import { type ConfigChange, ConfigFollower } from './config/config-follower.ts'
import { loadConfig } from './config/load-config.ts'
import type { ProxyConfig } from './config/proxy-config.ts'
import { type ConfigChanges, rewriteConfig } from './config/rewrite-config.ts'
import { CurrentCatalog } from './current-catalog.ts'
import { CurrentRoutes } from './current-routes.ts'
import { DataplaneReports } from './dataplane-reports.ts'
import { recordLiveAtStart } from './found-at-start.ts'
import { LiveVersion, type PromoteAnswer } from './live-version.ts'
import { Mirroring } from './mirroring.ts'
import { ProxyProcesses } from './proxy-processes.ts'
import { Releases } from './releases/releases.ts'
import { keepersOf } from './retention/keepers.ts'
import { Retention } from './retention/retention.ts'
import { Rollback } from './rollback.ts'
import { recordLive } from './rollout/record-live.ts'
import { Rollout } from './rollout/rollout.ts'
import { RoutePublisher } from './route-publisher.ts'
import { PinKey } from './skew/pin-key.ts'
import { readLiveChanges } from './skew/read-live-changes.ts'
import { SkewProtection } from './skew/skew-protection.ts'
import { type TakeOver, takeOverVersions } from './take-over.ts'
import { Turns } from './turns.ts'
import { Catalog } from './versions/catalog.ts'
import { Journal } from './versions/journal.ts'
import { LiveHistory } from './versions/live-history.ts'
import { PortLeases } from './versions/port-leases.ts'
import { VersionPools } from './versions/version-pools.ts'
import { Versions } from './versions/versions.ts'
import { WarmVersions } from './versions/warm-versions.ts'

/** How long proxy processes may take to use a new route table, in milliseconds. */
const acknowledgeDeadline = 10_000

export interface GatewayOptions {
  readonly supervisor: Supervisor
  readonly log: Log
  /** Milliseconds for which a taken port is tried again, because a crashed predecessor may still hold it. */
  readonly patience?: number
}

/**
 * The control plane: composition root of everything that knows of versions. It wires the parts, each of which owns
 * something: ConfigFollower the configuration in force, CurrentCatalog the catalog, LiveVersion what is live, Versions the
 * pools, ColdStarts who is started and who idles out, ProxyProcesses the data plane, RoutePublisher what that knows.
 */
export class Gateway {
  readonly live: LiveVersion
  readonly publisher = new RoutePublisher()
  readonly versions: Versions
  readonly processes: ProxyProcesses
  readonly configuration: ConfigFollower
  readonly spares: Spares
  readonly journal: Journal
  readonly releases: Releases
  readonly skew: SkewProtection
  readonly rollout: Rollout
  readonly mirroring: Mirroring
  readonly history: LiveHistory
  readonly warm: WarmVersions
  readonly rollback: Rollback
  readonly retention: Retention
  readonly coldStarts: ColdStarts
  readonly #catalog: CurrentCatalog
  readonly #takeOver: () => Promise<TakeOver>
  readonly #pools: VersionPools
  readonly #log: Log
  readonly #change: ConfigChange
  readonly #turns = new Turns()
  #started: Promise<void> = Promise.resolve()
  #stopping: Promise<void> | null = null

  private constructor(config: ProxyConfig, catalog: Catalog, { supervisor, log }: GatewayOptions) {
    this.#catalog = new CurrentCatalog(catalog)
    this.#log = log
    this.spares = supervisor.spares
    this.journal = new Journal(config.file, log)
    this.history = new LiveHistory(this.journal)
    this.configuration = new ConfigFollower(config, log)
    const leases = new PortLeases(config.versionPorts)
    const inForce = () => this.configuration.inForce
    const inCatalog = () => this.catalog
    const { publisher } = this
    const routes = new CurrentRoutes(publisher, () => ({
      catalog: this.#catalog,
      versions: this.versions,
      live: this.live,
      skew: this.skew,
      rollout: this.rollout,
      mirroring: this.mirroring,
    }))
    const publish = () => routes.publish()
    this.#pools = new VersionPools({ supervisor, publisher, leases, config: inForce, publish })
    this.versions = new Versions(this.#pools)
    this.versions.on('change', () => routes.publishSoon())
    const pinKey = new PinKey(config.file, log)
    this.skew = new SkewProtection({
      liveChanges: () => readLiveChanges(this.journal),
      config: () => inForce().skew,
      live: () => this.live.name,
      key: () => pinKey.value,
    })
    this.skew.on('change', () => routes.publishSoon())
    this.warm = new WarmVersions({ find: (name) => this.versions.find(name), config: inForce, log })
    this.coldStarts = new ColdStarts({
      versions: this.versions,
      warm: this.warm,
      log,
      catalog: inCatalog,
      config: inForce,
      live: () => this.live.name,
    })
    this.live = new LiveVersion(config.defaultVersion, {
      lookUp: (name) => this.coldStarts.lookUp(name, 1),
      find: (name) => this.versions.find(name),
      recordLive: (name) => recordLive(config.file, name, this.rollout),
      acknowledged: (epoch) => publisher.acknowledged(epoch, acknowledgeDeadline),
      publish,
      config: inForce,
      warm: this.warm,
      journal: this.journal,
      log,
    })
    this.releases = new Releases({
      supervisor,
      leases,
      journal: this.journal,
      log,
      config: inForce,
      catalog: inCatalog,
      promote: (name, workers, by) => this.promote(name, workers, by),
    })
    const { live, history, warm, versions, journal } = this
    const common = { versions, turns: this.#turns, catalog: inCatalog, config: inForce }
    this.#takeOver = () => takeOverVersions({ ...common, supervisor, publisher, warm, leases, publish, log })
    this.rollback = new Rollback({ ...common, live, history, warm })
    this.retention = new Retention(config.file, { ...common, journal, log, previous: () => this.rollback.previous })
    const shared = {
      lookUp: (name: string) => this.coldStarts.lookUp(name, 1),
      find: (name: string) => this.versions.find(name),
      has: (name: string) => this.catalog.has(name),
      live: () => this.live.name,
      config: inForce,
      rewrite: (changes: ConfigChanges) => rewriteConfig(config.file, changes),
      publish,
      acknowledged: (epoch: number) => publisher.acknowledged(epoch, acknowledgeDeadline),
      shrink: (name: string) => void this.versions.find(name)?.shrink(inForce().nonDefaultWorkerCount, log),
      exclusively: <T>(action: () => Promise<T>) => this.#turns.take(action),
      journal: this.journal,
      log,
    }
    this.rollout = new Rollout({
      ...shared,
      hold: (name) => this.versions.hold('rollout', name),
      promote: (name, workers, by) => this.live.promote(name, workers, by),
    })
    this.mirroring = new Mirroring({ ...shared, hold: (name) => this.versions.hold('mirror', name) })
    for (const keeper of keepersOf(this)) this.retention.addKeeper(keeper)
    this.processes = new ProxyProcesses(supervisor, publisher, new DataplaneReports(this), config, log)
    this.#change = applyEdit({
      live,
      versions,
      leases,
      log,
      rollout: this.rollout,
      mirroring: this.mirroring,
      processes: this.processes,
      pools: this.#pools,
      skew: this.skew,
      catalog: this.#catalog,
      dropMissing: () => this.#dropMissing(),
    })
    journal.on('appended', ({ action, result }) => {
      if (action === 'deploy' && result === 'done') void this.retention.prune('deploy')
    })
    this.#catalog.on('change', ({ added }) => {
      this.retention.noteArrivals(added)
      this.#dropMissing()
      routes.publishSoon()
    })
    this.live.on('promoted', ({ version, previous }) => {
      this.skew.note(version)
      this.rollout.promoted(version)
      setImmediate(() => supervisor.noteSoon()) // which version is warm now
      // The former live version may have been kept although its folder is gone.
      this.#dropMissing()
      this.retention.noteLive(version, previous)
      void this.retention.prune('promote')
    })
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
      await gateway.releases.open()
      await gateway.skew.open()
      gateway.rollout.restore(config.rollout)
      gateway.mirroring.restore(config.mirror)
      const { count, finish } = await gateway.#takeOver()
      const opened = gateway.processes.open(certificates, options.patience ?? 0)
      // Surplus workers that are taken over wait for the proxy processes; a start does not.
      gateway.#started = (count > 0 ? opened.catch(() => {}) : Promise.resolve()).then(() => gateway.live.start())
      void gateway.#turns.take(() => recordLiveAtStart(config.defaultVersion, gateway.history, gateway.journal))
      gateway.#pools.keepSpares(config)
      await opened
      finish()
      gateway.#dropMissing()
      await gateway.configuration.watch(gateway.#change, (action) => gateway.#turns.take(action))
      signal.throwIfAborted()
      gateway.coldStarts.watch()
      void gateway.retention.start()
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
    return this.#catalog.inForce
  }

  /**
   * Makes a version live, whole or not at all. The former live version is shrunk afterwards, in the background.
   * @param by who asked, for the journal
   */
  promote(name: string, workers: number, by: string): Promise<PromoteAnswer> {
    return this.#turns.take(async () => {
      const answer = await this.live.promote(name, workers, by)
      const ended = await this.rollout.endedByPromote
      return ended === null ? answer : { ...answer, rollout: { version: ended.version, result: ended.result } }
    })
  }

  /** Stops proxy processes and version workers gracefully. Nothing is started any more, also by what is half way. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.coldStarts.close()
    this.skew.close()
    this.rollout.close()
    this.mirroring.close()
    await this.releases.close()
    await this.configuration.close()
    await this.retention.close()
    await this.spares.close()
    await this.processes.close()
    this.#pools.close()
    await this.versions.stop()
    await this.#turns.over()
    await this.#catalog.close()
  }

  /** Whenever the catalog has changed, or a version is not live any more: what keeps one without a folder alive. */
  #dropMissing(): void {
    const { versionPath } = this.catalog
    for (const { name } of this.versions.dropMissing((name) => this.catalog.has(name), this.live.name)) {
      this.#log.warn({ version: name }, `${name} is gone from ${versionPath}; it is stopped`)
    }
  }
}
