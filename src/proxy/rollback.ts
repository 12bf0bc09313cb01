import { CserviceError } from '../common/errors.ts'
import type { ProxyConfig } from './config/proxy-config.ts'
import type { LiveVersion, PromoteAnswer } from './live-version.ts'
import type { Turns } from './turns.ts'
import type { Catalog } from './versions/catalog.ts'
import { chooseFormer, type LiveHistory } from './versions/live-history.ts'
import type { Versions } from './versions/versions.ts'
import type { WarmVersions } from './versions/warm-versions.ts'

/** Where a rollback goes. */
export interface RollbackPlan {
  readonly version: string
  readonly workers: number
  /** Whether it has all its workers still. */
  readonly isWarm: boolean
  /** Versions that were passed over because the catalog does not have them any more. */
  readonly skipped: readonly string[]
}

export interface RollbackAnswer extends PromoteAnswer, RollbackPlan {}

export interface RollbackParts {
  readonly live: LiveVersion
  readonly history: LiveHistory
  readonly warm: WarmVersions
  readonly versions: Versions
  readonly turns: Turns
  catalog(): Catalog
  config(): ProxyConfig
}

/** The way back to versions that were live before. */
export class Rollback {
  readonly #parts: RollbackParts

  constructor(parts: RollbackParts) {
    this.#parts = parts
  }

  /** The version to which the next rollback goes; null: none. */
  get previous(): string | null {
    return this.#choose(1).target?.version ?? null
  }

  /**
   * Makes the version live that was so `steps` versions ago, with the workers that it has still, or else had then.
   * @param by who asked, for the journal
   * @throws CserviceError NO_FORMER_VERSION, and whatever a promote throws; then all is as before
   */
  run(steps: number, by: string): Promise<RollbackAnswer> {
    return this.#parts.turns.take(async () => {
      const plan = await this.plan(steps)
      const { version, workers, isWarm, skipped } = plan
      const details = { steps, warm: isWarm, ...(skipped.length > 0 ? { skipped } : {}) }
      return { ...(await this.#parts.live.rollBack(version, workers, by, details)), ...plan }
    })
  }

  /** Where it would go. @throws CserviceError NO_FORMER_VERSION */
  async plan(steps: number): Promise<RollbackPlan> {
    const { warm, versions, catalog, config } = this.#parts
    await catalog().rescan()
    const { target, skipped } = this.#choose(steps)
    if (target === null) throw noFormer(steps, skipped)
    const { version } = target
    const isWarm = warm.name === version
    // Of a warm one the size that it has: there is nothing to be started, and so nothing to wait for.
    const size = isWarm ? (versions.find(version)?.size ?? 0) : 0
    return { version, workers: Math.max(1, size || (target.workers ?? config().workerCount)), isWarm, skipped }
  }

  #choose(steps: number): ReturnType<typeof chooseFormer> {
    const { live, history, catalog } = this.#parts
    return chooseFormer(history.before(live.name), live.name, steps, (name) => catalog().has(name))
  }
}

function noFormer(steps: number, skipped: readonly string[]): CserviceError {
  const which = steps === 1 ? 'no version' : `no ${steps} versions`
  const gone =
    skipped.length === 0 ? '' : `, apart from ${skipped.join(', ')}, which ${skipped.length === 1 ? 'is' : 'are'} gone`
  return new CserviceError('NO_FORMER_VERSION', `The journal knows of ${which} before this one${gone}`, {
    details: { steps, skipped },
  })
}
