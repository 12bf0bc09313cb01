import type { LiveVersion } from '../live-version.ts'
import type { Mirroring } from '../mirroring.ts'
import type { Rollout } from '../rollout/rollout.ts'
import type { SkewProtection } from '../skew/skew-protection.ts'
import type { WarmVersions } from '../versions/warm-versions.ts'
import type { Keeper } from './retention.ts'

/** The parts of the gateway that need versions to stay. */
export interface KeepingParts {
  readonly live: Pick<LiveVersion, 'name'>
  readonly warm: Pick<WarmVersions, 'name' | 'timeLeft'>
  readonly skew: Pick<SkewProtection, 'kept'>
  readonly rollout: Pick<Rollout, 'candidate'>
  readonly mirroring: Pick<Mirroring, 'status'>
}

/** Why each of them does. */
export function keepersOf({ live, warm, skew, rollout, mirroring }: KeepingParts): Keeper[] {
  return [
    (name) =>
      name === live.name
        ? { mark: 'live', reason: 'is live', mayForce: false, hint: 'Make another version live first.' }
        : null,
    (name) => {
      if (name !== warm.name) return null
      const seconds = Math.ceil(warm.timeLeft(name) / 1_000)
      return { mark: 'warm', reason: `is kept warm for a rollback, for ${seconds} s more`, mayForce: true }
    },
    (name) => {
      if (!skew.kept.includes(name)) return null
      return { mark: 'pinned', reason: 'is kept for the pages that were loaded from it', mayForce: true }
    },
    (name) => {
      if (name !== rollout.candidate) return null
      const hint = 'End its rollout first: cservice proxy rollout abort'
      return { mark: 'rollout', reason: 'is rolled out', mayForce: false, hint }
    },
    (name) => {
      if (name !== mirroring.status?.version) return null
      const hint = 'End that first: cservice proxy mirror off'
      return { mark: 'mirror', reason: 'gets copies of requests', mayForce: false, hint }
    },
  ]
}
