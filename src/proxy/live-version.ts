import { EventEmitter } from 'node:events'
import { toCserviceError } from '../common/errors.ts'
import { faultPoint } from '../common/fault-point.ts'
import type { Log } from '../common/log.ts'
import type { ProxyConfig } from './config/proxy-config.ts'
import type { Journal, JournalEntry } from './versions/journal.ts'
import { type PromoteSteps, promoteVersion } from './versions/promote.ts'
import type { Version } from './versions/version.ts'
import type { WarmVersions } from './versions/warm-versions.ts'

export interface PromoteAnswer {
  readonly version: string
  readonly previous: string | null
  readonly workers: number
  readonly epoch: number
  /** The rollout that it has ended: that of this version is done by it, that of another one aborted. */
  readonly rollout?: { readonly version: string; readonly result: 'done' | 'aborted' }
}

/** What making a version live needs from the gateway. */
export interface LiveVersionParts extends Pick<PromoteSteps, 'recordLive' | 'acknowledged'> {
  /** The version of that name, with room to run. @throws CserviceError UNKNOWN_VERSION, VERSION_LIMIT */
  lookUp(name: string): Promise<Version>
  find(name: string): Version | undefined
  /** Publishes the routes as they are now. @returns the epoch */
  publish(): number
  config(): ProxyConfig
  readonly warm: WarmVersions
  readonly journal: Journal
  readonly log: Log
}

/** Where a request without a version goes. Owns that name: nothing else changes it. */
export class LiveVersion extends EventEmitter<{ promoted: [PromoteAnswer] }> {
  readonly #parts: LiveVersionParts
  #name: string | null

  constructor(name: string | null, parts: LiveVersionParts) {
    super()
    this.#name = name
    this.#parts = parts
  }

  get name(): string | null {
    return this.#name
  }

  /** Starts what proxy.json says is live. A failure is logged and kept by the version; the next request tries again. */
  async start(): Promise<void> {
    if (this.#name === null) return
    try {
      const version = await this.#parts.lookUp(this.#name)
      await version.scale(this.#parts.config().workerCount, 'start')
    } catch (thrown) {
      const error = toCserviceError(thrown)
      if (error.code === 'CANCELLED' || error.code === 'SHUTTING_DOWN') return
      this.#parts.log.error({ err: error }, `the live version ${this.#name} did not start`)
    }
  }

  /** Makes a version live, whole or not at all (see promoteVersion), and writes that down in proxy.json and the journal. */
  promote(name: string, workers: number, by: string): Promise<PromoteAnswer> {
    return this.#change(name, workers, { action: 'promote', by }, this.#parts.recordLive)
  }

  /**
   * The same for a version that was live before. While it is warm nothing has to be started: new routes are all it takes.
   * @param details for the journal
   */
  rollBack(name: string, workers: number, by: string, details: JournalEntry['details']): Promise<PromoteAnswer> {
    const entry = { action: 'rollback', by, ...(details ? { details } : {}) } as const
    return this.#change(name, workers, entry, this.#parts.recordLive)
  }

  /** The same for a `defaultVersion` that somebody has edited: proxy.json has it already. */
  followEdit(name: string, workers: number): Promise<PromoteAnswer> {
    return this.#change(name, workers, { action: 'live-by-edit', by: 'proxy.json' }, async () => async () => {})
  }

  /** From now on no version is live, because somebody has edited proxy.json; the former one stays warm as after a promote. */
  async clear(): Promise<void> {
    const previous = this.#name
    if (previous === null) return
    const epoch = this.#route(null)
    this.#parts.warm.keep(previous)
    const entry = { action: 'live-by-edit', by: 'proxy.json', version: null, previous, epoch } as const
    await this.#parts.journal.append({ ...entry, result: 'done', durationMs: 0 })
  }

  async #change(
    name: string,
    workers: number,
    entry: Pick<JournalEntry, 'action' | 'by' | 'details'>,
    recordLive: PromoteSteps['recordLive'],
  ): Promise<PromoteAnswer> {
    const { journal, log, warm } = this.#parts
    const keepWarm = warm.release(name)
    const began = Date.now()
    const previous = this.#name
    const record = (end: Pick<JournalEntry, 'result' | 'epoch' | 'error'>) =>
      journal.append({ ...entry, version: name, previous, workers, ...end, durationMs: Date.now() - began })
    try {
      const version = await this.#parts.lookUp(name)
      const routeTo = (live: string | null) => this.#route(live)
      const epoch = await promoteVersion(version, workers, previous, {
        recordLive,
        routeTo,
        acknowledged: this.#parts.acknowledged,
        reached: (step) => faultPoint(`${entry.action}:${step}`),
        onUndoFailure: (error) => log.error({ err: error, version: name }, 'a failed promote was not put back whole'),
      })
      await record({ result: 'done', epoch })
      faultPoint(`${entry.action}:journaled`)
      const answer = { version: name, previous, workers, epoch }
      log.info(answer, `${name} is live`)
      this.emit('promoted', answer)
      this.#shrink(name, workers)
      if (previous !== null && previous !== name) warm.keep(previous)
      return answer
    } catch (thrown) {
      const error = toCserviceError(thrown)
      keepWarm()
      await record({ result: 'failed', error: error.message })
      throw error
    }
  }

  #shrink(name: string, count: number): void {
    this.#parts.find(name)?.shrink(count, this.#parts.log)
  }

  #route(name: string | null): number {
    this.#name = name
    return this.#parts.publish()
  }
}
