import type { LiveVersion } from '../live-version.ts'
import type { Mirroring } from '../mirroring.ts'
import type { Rollout } from '../rollout/rollout.ts'
import type { WarmVersions } from '../versions/warm-versions.ts'
import type { Keeper } from './retention.ts'

/** Keep the live version, and the one that is warm for a rollback. */
export function liveKeepers(live: Pick<LiveVersion, 'name'>, warm: Pick<WarmVersions, 'name' | 'timeLeft'>): Keeper[] {
  return [
    (name) => (name === live.name ? { mark: 'live', reason: 'is live', mayForce: false } : null),
    (name) => {
      if (name !== warm.name) return null
      const seconds = Math.ceil(warm.timeLeft(name) / 1_000)
      return { mark: 'warm', reason: `is kept warm for a rollback, for ${seconds} s more`, mayForce: true }
    },
  ]
}

/** Keep the version that is rolled out, and the one that gets copies of requests. */
export function trafficKeepers(rollout: Pick<Rollout, 'candidate'>, mirroring: Pick<Mirroring, 'status'>): Keeper[] {
  return [
    (name) => (name === rollout.candidate ? { mark: 'rollout', reason: 'is rolled out', mayForce: false } : null),
    (name) =>
      name === mirroring.status?.version
        ? { mark: 'mirror', reason: 'gets copies of requests', mayForce: false }
        : null,
  ]
}
