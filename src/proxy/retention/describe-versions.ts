import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Gateway } from '../gateway.ts'

/** Sizes that take longer come with the next call. */
const patienceMs = 1_000

/** The answer of `proxy versions`. JSON-safe. */
export interface VersionList {
  readonly live: string | null
  /** Where a rollback goes. */
  readonly previous: string | null
  /** In the order of the catalog. */
  readonly versions: readonly DescribedVersion[]
}

export interface DescribedVersion {
  readonly name: string
  readonly state: string
  /** What keeps it: `live`, `previous`, `warm`, `rollout`, `pinned` … */
  readonly marks: readonly string[]
  /** Ready ones. */
  readonly workers: number
  readonly inFlight: number
  /** Bytes on disk; null: not measured yet. */
  readonly size: number | null
  /** When its folder was made, and seconds since then. */
  readonly created: string | null
  readonly age: number | null
  /** null: not since the gateway keeps a record. */
  readonly lastUsed: string | null
}

export async function describeVersions(gateway: Gateway): Promise<VersionList> {
  const { catalog, retention, live, rollback } = gateway
  await catalog.rescan()
  const names = catalog.names
  const sizes = names.map((name) => retention.sizes.sizeOf(join(catalog.versionPath, name)))
  const [created] = await Promise.all([
    Promise.all(names.map((name) => createdAt(join(catalog.versionPath, name)))),
    settledWithin(sizes, patienceMs),
  ])
  const { previous } = rollback
  return { live: live.name, previous, versions: names.map((name, index) => describe(name, created[index] ?? null)) }

  function describe(name: string, createdAt: number | null): DescribedVersion {
    const version = gateway.versions.find(name)
    const activity = version?.activity
    const uses = [activity?.lastRequest, retention.lastUse.usedAt(name)].filter((at) => typeof at === 'number')
    const used = uses.length === 0 ? null : Math.max(...uses)
    const marks = retention.keptBy(name).map(({ mark }) => mark)
    return {
      name,
      state: version?.route.state ?? 'cold',
      marks: name === previous ? [...marks, 'previous'] : marks,
      workers: version?.pool?.readyWorkers.length ?? 0,
      inFlight: activity?.inFlight ?? 0,
      size: retention.sizes.knownSizeOf(join(catalog.versionPath, name)),
      created: createdAt === null ? null : new Date(createdAt).toISOString(),
      age: createdAt === null ? null : Math.max(0, Math.round((Date.now() - createdAt) / 1_000)),
      lastUsed: name === live.name ? new Date().toISOString() : used === null ? null : new Date(used).toISOString(),
    }
  }
}

/** Some file systems do not know when a folder was made, but when it was changed. */
async function createdAt(folder: string): Promise<number | null> {
  const stats = await stat(folder).catch(() => null)
  return stats === null ? null : stats.birthtimeMs > 0 ? stats.birthtimeMs : stats.ctimeMs
}

async function settledWithin(promises: ReadonlyArray<Promise<unknown>>, milliseconds: number): Promise<void> {
  const patience = new AbortController()
  await Promise.race([
    Promise.allSettled(promises),
    delay(milliseconds, undefined, { signal: patience.signal }).catch(() => {}),
  ])
  patience.abort()
}
