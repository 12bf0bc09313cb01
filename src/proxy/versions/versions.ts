import { EventEmitter } from 'node:events'
import { CserviceError } from '../../common/errors.ts'
import type { VersionCounters } from '../messages.ts'
import type { Route } from '../routing/route-table.ts'
import { chooseVictim, findIdle, type RunningVersion } from './idle-out.ts'
import { type PoolFactory, Version } from './version.ts'

/** All versions that run, ran, or failed to. Owns them; knows nothing of the catalog or of what is live. */
export class Versions extends EventEmitter<{ change: [] }> {
  readonly #pools: PoolFactory
  readonly #versions = new Map<string, Version>()
  /** By who holds it. */
  readonly #held = new Map<string, string>()

  constructor(pools: PoolFactory) {
    super()
    this.#pools = pools
  }

  find(name: string): Version | undefined {
    return this.#versions.get(name)
  }

  /** The version of that name, cold if it was never started. The caller has looked the name up in the catalog. */
  get(name: string): Version {
    const known = this.#versions.get(name)
    if (known) return known
    const version = new Version(name, this.#pools)
    this.#versions.set(name, version)
    version.on('change', () => this.emit('change'))
    return version
  }

  /** The part of the route table that concerns the names given. */
  routes(names: Iterable<string>): [string, Route][] {
    const cold: Route = { state: 'cold', attempt: 0, targets: [] }
    return Array.from(names, (name) => [name, this.#versions.get(name)?.route ?? cold])
  }

  /**
   * Makes sure that one more version may run: stops the least recently used one if there are `limit` already.
   * @throws CserviceError VERSION_LIMIT when all of them are live or in use
   */
  makeRoom(starting: Version, live: string | null, limit: number): void {
    const others = this.#running(live).filter(({ name }) => name !== starting.name)
    if (starting.isRunning || others.length < limit) return
    const victim = chooseVictim(others)
    if (victim === null)
      throw new CserviceError('VERSION_LIMIT', `${others.length} versions are running, and all of them are in use`)
    void this.#versions.get(victim)?.stop()
  }

  /** A version that does not idle out, nor make room for another, as long as this holder holds it. @param name null: none any more */
  hold(holder: 'rollout' | 'mirror', name: string | null): void {
    if (name === null) this.#held.delete(holder)
    else this.#held.set(holder, name)
  }

  /** Those that nobody has used for `idleTime` milliseconds; see findIdle. */
  idle(live: string | null, idleTime: number): Version[] {
    return findIdle(this.#running(live), idleTime, Date.now()).map((name) => this.get(name))
  }

  count(source: string, counters: readonly VersionCounters[]): void {
    for (const entry of counters) this.#versions.get(entry.version)?.activity.add(source, entry, Date.now())
  }

  forgetSource(source: string): void {
    for (const version of this.#versions.values()) version.activity.remove(source)
  }

  /** Stops versions that are not in the catalog any more; the live one goes on with what it has in memory. */
  dropMissing(isKnown: (name: string) => boolean, live: string | null): Version[] {
    const missing = [...this.#versions.values()].filter(({ name }) => name !== live && !isKnown(name))
    for (const version of missing) {
      this.#versions.delete(version.name)
      void version.stop()
    }
    return missing
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#versions.values()].map((version) => version.stop()))
  }

  #running(live: string | null): RunningVersion[] {
    const running = [...this.#versions.values()].filter((version) => version.isRunning)
    const held = new Set(this.#held.values())
    return running.map(({ name, activity }) => ({
      name,
      isLive: name === live || held.has(name),
      inFlight: activity.inFlight,
      lastAccess: activity.lastAccess,
    }))
  }
}
