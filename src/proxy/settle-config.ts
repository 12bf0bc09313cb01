import type { ProxyConfig } from './config/proxy-config.ts'
import type { LiveVersion } from './live-version.ts'
import type { Mirroring } from './mirroring.ts'
import type { Rollout } from './rollout/rollout.ts'
import type { Versions } from './versions/versions.ts'

export interface SettleParts {
  readonly live: LiveVersion
  readonly rollout: Rollout
  readonly mirroring: Mirroring
  readonly versions: Versions
  /** No version is live any more: one without a folder need not go on. */
  dropMissing(): void
}

/**
 * Follows what an edited configuration says of versions: which one is live, rolled out, mirrored to. One that cannot be
 * followed keeps nobody from the others.
 * @throws the first error
 */
export async function settleConfig(parts: SettleParts, next: ProxyConfig, former: ProxyConfig): Promise<void> {
  const steps = [
    () => settleLive(parts, next, former),
    () => parts.rollout.follow(next.rollout),
    () => parts.mirroring.follow(next.mirror),
  ]
  const errors: unknown[] = []
  for (const step of steps) await step().catch((error: unknown) => errors.push(error))
  if (errors.length > 0) throw errors[0]
}

async function settleLive(
  { live, versions, dropMissing }: SettleParts,
  next: ProxyConfig,
  former: ProxyConfig,
): Promise<void> {
  if (next.defaultVersion === null && live.name !== null) {
    await live.clear()
    dropMissing()
  } else if (next.defaultVersion !== null && next.defaultVersion !== live.name) {
    await live.followEdit(next.defaultVersion, next.workerCount)
  } else if (live.name !== null && next.workerCount !== former.workerCount) {
    await versions.find(live.name)?.scale(next.workerCount, 'scale')
  }
}
