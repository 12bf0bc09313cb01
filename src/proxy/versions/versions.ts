import { EventEmitter } from 'node:events'
import { CserviceError } from '../../common/errors.ts'
import type { VersionCounters } from '../messages.ts'
import type { Route } from '../routing/route-table.ts'
import { chooseVictim, findIdle, type RunningVersion } from './idle-out.ts'
import { type PoolFactory, Version } from './version.ts'

/** Versions that are not like all others. */
export interface Roles {
  readonly live: string | null
  readonly warm: string | null
}

/** All versions that run, ran, or failed to. Owns them; knows nothing of the catalog or of what is live. */
export class Versions extends EventEmitter<{ change: [] }> {
  readonly #pools: PoolFactory
  readonly #versions = new Map<string, Version>()
  /** By who holds it. */
  readonly #held = new Map<string, string>()
  /** Not in the catalog any more, their last requests still in flight. */
  readonly #leaving = new Set<Version>()

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
  makeRoom(starting: Version, roles: Roles, limit: number): void {
    const victim = this.victimFor(starting.name, roles, limit)
    if (victim !== null) void this.#versions.get(victim)?.stop()
  }

  /** The version that would have to make room for this one; null: none. @throws CserviceError VERSION_LIMIT */
  victimFor(starting: string, roles: Roles, limit: number): string | null {
    const others = this.#running(roles).filter(({ name }) => name !== starting)
    if (this.#versions.get(starting)?.isRunning || others.length < limit) return null
    const victim = chooseVictim(others)
    if (victim === null)
      throw new CserviceError('VERSION_LIMIT', `${others.length} versions are running, and all of them are in use`)
    return victim
  }

  /** A version that does not idle out, nor make room for another, as long as this holder holds it. @param name null: none any more */
  hold(holder: 'rollout' | 'mirror', name: string | null): void {
    if (name === null) this.#held.delete(holder)
    else this.#held.set(holder, name)
  }

  /** Those that nobody has used for `idleTime` milliseconds; see findIdle. */
  idle(roles: Roles, idleTime: number): Version[] {
    return findIdle(this.#running(roles), idleTime, Date.now()).map((name) => this.get(name))
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
      this.#leaving.add(version)
      void version.stop().finally(() => this.#leaving.delete(version))
    }
    return missing
  }

  /** Resolves when no worker of that name is left of those that are being stopped. */
  async stopped(name: string): Promise<void> {
    await Promise.all([...this.#leaving].filter((version) => version.name === name).map((version) => version.stopped()))
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#versions.values()].map((version) => version.stop()))
  }

  #running({ live, warm }: Roles): RunningVersion[] {
    const running = [...this.#versions.values()].filter((version) => version.isRunning)
    const held = new Set(this.#held.values())
    return running.map(({ name, activity }) => ({
      name,
      isLive: name === live || held.has(name),
      isWarm: name === warm,
      inFlight: activity.inFlight,
      lastAccess: activity.lastAccess,
    }))
  }
}
