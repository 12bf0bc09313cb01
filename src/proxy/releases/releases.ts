import { CserviceError, toCserviceError } from '../../common/errors.ts'
import type { PromoteAnswer } from '../live-version.ts'
import { Deploy, type DeployContext, type Deployed, type DeployParts } from './deploy.ts'
import type { DeployOrder } from './deploy-order.ts'
import { cleanStaging } from './staging.ts'

export interface ReleaseParts extends Omit<DeployParts, 'taken'> {
  promote(name: string, workers: number, by: string): Promise<PromoteAnswer>
}

export interface DeployAnswer extends Deployed {
  /** Null: that was not asked for. */
  readonly promoted: PromoteAnswer | null
  /** Nothing was done, only looked at. */
  readonly dryRun: boolean
  readonly durationMs: number
}

/** Brings versions in, whole or not at all. Owns what is on its way in. */
export class Releases {
  readonly #parts: ReleaseParts
  readonly #taken = new Set<string>()
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #closed = new AbortController()

  constructor(parts: ReleaseParts) {
    this.#parts = parts
  }

  /** Clears away what an earlier gateway has left half way. */
  async open(): Promise<void> {
    await cleanStaging(this.#parts.config().versionPath, this.#parts.log)
  }

  /** Calls off what is under way, and resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#closed.abort(new CserviceError('CANCELLED', 'The proxy stopped during the deploy'))
    await Promise.allSettled([...this.#underWay])
  }

  /**
   * Takes in a new version: unpacks and checks it, runs the install step, starts it on trial, all of it in a staging folder;
   * makes it durable, and renames it into its place. After a failure, or a crash at any moment, nothing of it is there.
   * @param source the archive, read no faster than it can be written
   * @throws CserviceError VERSION_EXISTS, RELEASE_REFUSED, RELEASE_TOO_LARGE, RELEASE_NOT_WRITTEN, INSTALL_FAILED, TRIAL_FAILED,
   *   BAD_USAGE when it has no name, CANCELLED; and why the promote failed, when the version is in
   */
  async deploy(source: AsyncIterable<Uint8Array>, order: DeployOrder, context: DeployContext): Promise<DeployAnswer> {
    const began = performance.now()
    const signal = AbortSignal.any([context.signal, this.#closed.signal])
    const running = new Deploy({ ...this.#parts, taken: this.#taken }, order, { ...context, signal }).run(source)
    this.#underWay.add(running)
    const deployed = await running.finally(() => this.#underWay.delete(running))
    const promoted = order.isDryRun ? null : await this.#promote(deployed.version, order, context)
    return { ...deployed, promoted, dryRun: order.isDryRun, durationMs: Math.round(performance.now() - began) }
  }

  async #promote(name: string, { promote }: DeployOrder, { by, report }: DeployContext): Promise<PromoteAnswer | null> {
    if (promote === null) return null
    report(`promoting ${name}`)
    const workers = promote === 'default' ? this.#parts.config().workerCount : promote
    try {
      return await this.#parts.promote(name, workers, by)
    } catch (thrown) {
      const { code, message, details, hint } = toCserviceError(thrown)
      throw new CserviceError(code, `${name} is in, but it was not promoted: ${message}`, {
        cause: thrown,
        details,
        hint,
      })
    }
  }
}
