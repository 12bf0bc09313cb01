import type { ColdStarts } from './cold-starts.ts'
import type { MirrorCounters, VersionCounters } from './messages.ts'
import type { Mirroring } from './mirroring.ts'
import type { DataplaneListener } from './proxy-processes.ts'
import type { Rollout } from './rollout/rollout.ts'
import type { SkewSettings } from './routing/selection-settings.ts'
import type { SkewProtection } from './skew/skew-protection.ts'
import type { Versions } from './versions/versions.ts'

interface Parts {
  readonly coldStarts: ColdStarts
  readonly versions: Versions
  readonly rollout: Rollout
  readonly mirroring: Mirroring
  readonly skew: SkewProtection
}

/** Hands what proxy processes report to the parts of the gateway that it concerns. */
export class DataplaneReports implements DataplaneListener {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  onDemand(version: string): void {
    this.#parts.coldStarts.onDemand(version)
  }

  onCounters(source: string, counters: readonly VersionCounters[]): void {
    this.#parts.versions.count(source, counters)
    this.#parts.rollout.count(counters)
  }

  onMirrored(counts: MirrorCounters): void {
    this.#parts.mirroring.count(counts)
  }

  onSourceGone(source: string): void {
    this.#parts.versions.forgetSource(source)
  }

  skewSettings(isSecure: boolean): SkewSettings | null {
    return this.#parts.skew.settings(isSecure)
  }
}
