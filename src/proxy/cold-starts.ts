import { CserviceError, toCserviceError } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import type { ProxyConfig } from './config/proxy-config.ts'
import { StartAllowance } from './start-allowance.ts'
import type { Catalog } from './versions/catalog.ts'
import type { Version } from './versions/version.ts'
import type { Roles, Versions } from './versions/versions.ts'
import type { WarmVersions } from './versions/warm-versions.ts'

/** How often it is looked for versions that idle out, in milliseconds. */
const idleCheckInterval = 1_000

export interface ColdStartParts {
  readonly versions: Versions
  readonly warm: WarmVersions
  readonly log: Log
  catalog(): Catalog
  config(): ProxyConfig
  /** The name of the live version. */
  live(): string | null
}

export interface VersionAnswer {
  readonly version: string
  readonly workers: number
  readonly started: number
  readonly stopped: number
}

/** Starts versions because an operator or a request asks for them, and stops those that nobody uses. Owns that look. */
export class ColdStarts {
  readonly #parts: ColdStartParts
  readonly #allowance = new StartAllowance()
  #idleTimer: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(parts: ColdStartParts) {
    this.#parts = parts
  }

  /** From now on versions cool down, and idle out. */
  watch(): void {
    this.#idleTimer = setInterval(() => {
      this.#parts.warm.coolDown(Date.now())
      this.#stopIdle()
    }, idleCheckInterval)
  }

  /** Nothing is started any more, also by what is half way. */
  close(): void {
    this.#isClosed = true
    if (this.#idleTimer) clearInterval(this.#idleTimer)
  }

  /**
   * The version of that name, with room to run.
   * @param workers that it is to have
   * @throws CserviceError UNKNOWN_VERSION; VERSION_LIMIT if it is to run and cannot; SHUTTING_DOWN
   */
  async lookUp(name: string, workers: number): Promise<Version> {
    if (this.#isClosed) throw new CserviceError('SHUTTING_DOWN')
    const catalog = this.#parts.catalog()
    await catalog.rescan()
    if (!catalog.has(name)) throw new CserviceError('UNKNOWN_VERSION', await catalog.explain(name))
    const version = this.#parts.versions.get(name)
    if (workers > 0) this.#makeRoom(version)
    return version
  }

  /** Workers that a version gets when nobody says how many. */
  defaultCount(version: string): number {
    const { workerCount, nonDefaultWorkerCount } = this.#parts.config()
    return version === this.#parts.live() ? workerCount : nonDefaultWorkerCount
  }

  /**
   * Brings a version to a number of workers, because the operator wants it so; 0 stops it, also while it is starting.
   * @throws CserviceError UNKNOWN_VERSION, VERSION_LIMIT, or why a worker did not become ready; then all is as before
   */
  async scale(name: string, workers: number): Promise<VersionAnswer> {
    const version = await this.lookUp(name, workers)
    this.#parts.warm.release(name) // its workers are not the memory of a promote any more
    const { started, stopped } = await version.scale(workers, 'scale')
    return { version: name, workers, started, stopped }
  }

  /** A proxy process has a request for a version that does not run; any number of such requests make one start. */
  onDemand(name: string): void {
    const { catalog, versions, log } = this.#parts
    if (this.#isClosed || !catalog().has(name)) return
    const version = versions.get(name)
    if (!version.mayStart(Date.now())) return
    const delay = this.#delayOf(name)
    if (delay > 0) {
      version.refuse(new CserviceError('START_RATE_EXCEEDED'), delay)
      return
    }
    try {
      this.#makeRoom(version)
    } catch (error) {
      version.refuse(toCserviceError(error))
      return
    }
    version.scale(this.defaultCount(name), 'demand').catch((error: unknown) => {
      if (!this.#isClosed) log.error({ err: error }, `${name}, which a request asked for, did not start`)
    })
  }

  /** The version that would have to make room if this one were started; null: none. @throws CserviceError VERSION_LIMIT */
  victimFor(name: string): string | null {
    const { versions, config } = this.#parts
    return versions.victimFor(name, this.#roles, config().maxRunningVersions)
  }

  /** Milliseconds until requests may start the version. The live one, of which there is but one, is always started. */
  #delayOf(name: string): number {
    const { config, live } = this.#parts
    const { rate } = config().access
    return rate === null || name === live() ? 0 : this.#allowance.take(rate, performance.now())
  }

  #makeRoom(version: Version): void {
    const { versions, config } = this.#parts
    versions.makeRoom(version, this.#roles, config().maxRunningVersions)
  }

  #stopIdle(): void {
    const { versions, config, log } = this.#parts
    for (const version of versions.idle(this.#roles, config().nonDefaultWorkerIdleTime * 1_000)) {
      log.info({ version: version.name }, `${version.name} idles out`)
      void version.stop()
    }
  }

  get #roles(): Roles {
    return { live: this.#parts.live(), warm: this.#parts.warm.name }
  }
}
