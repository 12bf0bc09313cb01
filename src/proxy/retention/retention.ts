import { join } from 'node:path'
import { CserviceError, toCserviceError } from '../../common/errors.ts'
import { faultPoint } from '../../common/fault-point.ts'
import type { Log } from '../../common/log.ts'
import type { ProxyConfig } from '../config/proxy-config.ts'
import type { Turns } from '../turns.ts'
import type { Catalog } from '../versions/catalog.ts'
import type { Journal } from '../versions/journal.ts'
import type { Versions } from '../versions/versions.ts'
import { FolderSizes } from './folder-sizes.ts'
import { LastUse } from './last-use.ts'
import { choosePrunable, matchesAny } from './prune-policy.ts'
import { deleteForGood, leftovers, throwAway } from './trash.ts'

const minute = 60_000
/** Minutes between two prunes that nothing else has asked for. */
const pruneInterval = 60

/** Why a version must stay. */
export interface Kept {
  /** In one word, for `proxy versions`: `live`, `rollout`, `pinned`. */
  readonly mark: string
  /** What follows its name in a message: `is live`. */
  readonly reason: string
  /** Whether `proxy remove --force` may remove it all the same. */
  readonly mayForce: boolean
  /** What to do about it, where it may not be forced. */
  readonly hint?: string
}

/** Tells why a version must stay; null: nothing is known against its removal. */
export type Keeper = (name: string) => Kept | null

export interface RetentionParts {
  readonly versions: Versions
  readonly journal: Journal
  readonly turns: Turns
  readonly log: Log
  catalog(): Catalog
  config(): ProxyConfig
  /** The version that a rollback goes to. */
  previous(): string | null
}

export interface RemoveAnswer {
  readonly version: string
  readonly removed: true
  /** Bytes on disk, where `proxy versions` has measured them. */
  readonly freed: number | null
}

/** Which versions stay on disk. Owns the list of those who keep versions, and what is known of their use and size. */
export class Retention {
  readonly lastUse: LastUse
  readonly sizes = new FolderSizes()
  readonly #parts: RetentionParts
  readonly #keepers: Keeper[] = []
  #loaded: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | null = null
  #minutes = 0
  #isClosed = false

  constructor(configFile: string, parts: RetentionParts) {
    this.#parts = parts
    this.lastUse = new LastUse(configFile, parts.log)
    this.addKeeper((name) =>
      matchesAny(name, parts.config().retain.keep)
        ? { mark: 'pinned', reason: 'is kept by retain.keep in proxy.json', mayForce: true }
        : null,
    )
  }

  /** From now on a version is kept for as long as this says so. */
  addKeeper(keeper: Keeper): void {
    this.#keepers.push(keeper)
  }

  /** Folders that have come, perhaps in the place of older ones. */
  noteArrivals(names: readonly string[]): void {
    for (const name of names) this.lastUse.see(name, Date.now(), true)
  }

  /** Being live is use, also where nobody came. */
  noteLive(version: string, previous: string | null): void {
    for (const name of [previous, version]) if (name !== null) this.lastUse.use(name, Date.now())
  }

  /** Everything that keeps a version, the strictest first. */
  keptBy(name: string): Kept[] {
    const all = this.#keepers.map((keeper) => keeper(name)).filter((kept) => kept !== null)
    return all.sort((a, b) => Number(a.mayForce) - Number(b.mayForce))
  }

  /** Whether anybody keeps it: then it is not pruned. */
  isKept(name: string): boolean {
    return this.keptBy(name).length > 0
  }

  /** Of a gateway that has started: takes up what was known before, and deletes what a crash has left half deleted. */
  async start(): Promise<void> {
    this.#loaded = this.lastUse.load()
    await this.#loaded
    this.#lookAtUse()
    if (this.#isClosed) return
    this.#timer = setInterval(() => void this.#everyMinute(), minute)
    this.#timer.unref()
    for (const path of await leftovers(this.#parts.catalog().versionPath)) await this.#delete(path)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#timer) clearInterval(this.#timer)
    this.sizes.close()
    this.#lookAtUse()
    await this.lastUse.save()
  }

  /**
   * Removes a version: it is not served from now on, its requests in flight are finished, it is taken out of the folder at once,
   * and deleted.
   * @param force also one that is warm, pinned or in use, but never one that is live
   * @throws CserviceError UNKNOWN_VERSION, VERSION_IN_USE, REMOVE_FAILED: then it is there as before
   */
  async remove(name: string, { force, by }: { force: boolean; by: string }): Promise<RemoveAnswer> {
    const began = Date.now()
    const record = (result: 'done' | 'failed', error?: string) =>
      this.#parts.journal.append({
        action: 'remove',
        version: name,
        by,
        result,
        ...(error === undefined ? {} : { error }),
        durationMs: Date.now() - began,
      })
    try {
      const folder = join(this.#parts.catalog().versionPath, name)
      const restore = await this.#parts.turns.take(async () => {
        const catalog = this.#parts.catalog()
        await catalog.rescan()
        if (!catalog.has(name)) throw new CserviceError('UNKNOWN_VERSION', await catalog.explain(name))
        this.#refuseIfInUse(name, force)
        return catalog.withhold(name)
      })
      const freed = this.sizes.knownSizeOf(folder)
      await this.#takeAway(name, restore, () => record('done'))
      return { version: name, removed: true, freed }
    } catch (thrown) {
      const error = toCserviceError(thrown)
      await record('failed', error.message)
      throw error
    }
  }

  /**
   * Removes what `retain` no longer keeps. Never fails: what cannot be removed is logged, and tried again the next time.
   * @param reason for the journal: `deploy`, `promote`, `hourly`
   * @returns the names of those that were removed
   */
  async prune(reason: string): Promise<string[]> {
    const { retain } = this.#parts.config()
    if (this.#isClosed || (retain.count === null && retain.days === null)) return []
    await this.#loaded
    this.#lookAtUse()
    const removed: string[] = []
    for (const name of this.#prunable()) {
      if (this.#isClosed) break
      const began = Date.now()
      try {
        const restore = await this.#parts.turns.take(async () => {
          // Somebody may have made use of it since.
          return this.#prunable().includes(name) ? this.#parts.catalog().withhold(name) : null
        })
        if (restore === null) continue
        const lastUse = new Date(this.lastUse.lastOf(name)).toISOString()
        await this.#takeAway(name, restore, () =>
          this.#parts.journal.append({
            action: 'prune',
            version: name,
            by: 'retain',
            result: 'done',
            durationMs: Date.now() - began,
            details: { reason, lastUse },
          }),
        )
        removed.push(name)
      } catch (error) {
        this.#parts.log.warn({ err: error, version: name }, `${name} could not be pruned`)
      }
    }
    return removed
  }

  #prunable(): string[] {
    const { catalog, versions, config, previous } = this.#parts
    const wayBack = previous()
    const stored = catalog().names.map((name) => ({
      name,
      isKept: name === wayBack || isInUse(versions, name) || this.isKept(name),
      lastUse: this.lastUse.lastOf(name),
    }))
    return choosePrunable(stored, config().retain, Date.now())
  }

  #refuseIfInUse(name: string, force: boolean): void {
    const kept = this.keptBy(name).find(({ mayForce }) => !(force && mayForce))
    const inFlight = this.#parts.versions.find(name)?.activity.inFlight ?? 0
    if (kept) throw inUse(`${name} ${kept.reason}`, kept.hint)
    if (inFlight > 0 && !force) {
      throw inUse(`${name} has ${inFlight} ${inFlight === 1 ? 'request' : 'requests'} in flight`)
    }
  }

  /** @param restore puts it back into the catalog, if it is still there */
  async #takeAway(name: string, restore: () => Promise<void>, record: () => Promise<void>): Promise<void> {
    const { versionPath } = this.#parts.catalog()
    let trash: string
    try {
      await this.#parts.versions.stopped(name)
      trash = await throwAway(versionPath, name)
    } catch (cause) {
      const message = `${name} could not be removed: ${toCserviceError(cause).message}`
      throw new CserviceError('REMOVE_FAILED', message, { cause })
    } finally {
      await restore()
    }
    faultPoint('remove:thrown-away')
    this.sizes.forget(join(versionPath, name))
    await record()
    await this.#delete(trash)
    this.#parts.log.info({ version: name }, `${name} is removed`)
  }

  async #delete(path: string): Promise<void> {
    await deleteForGood(path).catch((error: unknown) => {
      this.#parts.log.warn(
        { err: error, path },
        'a removed version could not be deleted; it is tried again at the next start',
      )
    })
  }

  async #everyMinute(): Promise<void> {
    this.#lookAtUse()
    await this.lastUse.save()
    if (++this.#minutes % pruneInterval === 0) await this.prune('hourly')
  }

  /** What the counters say, and what has come. */
  #lookAtUse(): void {
    const now = Date.now()
    for (const name of this.#parts.catalog().names) {
      this.lastUse.see(name, now)
      const activity = this.#parts.versions.find(name)?.activity
      if (activity && activity.inFlight > 0) this.lastUse.use(name, now)
      // Not `lastAccess`: that a version gets more workers, or fewer, is no use of it.
      else if (activity && activity.lastRequest !== null) this.lastUse.use(name, activity.lastRequest)
    }
  }
}

function isInUse(versions: Versions, name: string): boolean {
  const version = versions.find(name)
  return version !== undefined && (version.isRunning || version.activity.inFlight > 0)
}

function inUse(message: string, hint?: string): CserviceError {
  return new CserviceError('VERSION_IN_USE', message, hint === undefined ? {} : { hint })
}
