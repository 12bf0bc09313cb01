import { CserviceError, toCserviceError } from '../common/errors.ts'
import { faultPoint } from '../common/fault-point.ts'
import type { MirrorConfig } from './config/proxy-config.ts'
import type { MirrorCounters } from './messages.ts'
import type { RolloutParts } from './rollout/transaction.ts'
import type { MirrorRoute } from './routing/route-table.ts'
import { BringUp } from './versions/bring-up.ts'
import type { JournalEntry } from './versions/journal.ts'
import { undoAll } from './versions/promote.ts'

/** What mirroring needs from the gateway. */
export type MirroringParts = Omit<RolloutParts, 'promote' | 'now'>

export interface MirrorStatus extends MirrorConfig, MirrorCounters {}

/** How often it is looked whether the version runs, in milliseconds. */
const lookInterval = 1_000

/** Which version gets copies of requests, if any. Owns that, and how many there were since it began. */
export class Mirroring {
  readonly #parts: MirroringParts
  #plan: MirrorConfig | null = null
  #counts: MirrorCounters = { answered: 0, failed: 0, dropped: 0 }
  readonly #version: BringUp
  #timer: NodeJS.Timeout | null = null

  constructor(parts: MirroringParts) {
    this.#parts = parts
    this.#version = new BringUp(parts, 'mirror')
  }

  /** What proxy processes are told. */
  get route(): MirrorRoute | null {
    const plan = this.#plan
    return plan === null || plan.version === this.#parts.live() ? null : plan
  }

  /** JSON-safe; null: there is none. */
  get status(): MirrorStatus | null {
    return this.#plan && { ...this.#plan, ...this.#counts }
  }

  /**
   * From now on the version gets copies of that share of the requests; whole or not at all.
   * @throws CserviceError ALREADY_LIVE, UNKNOWN_VERSION, VERSION_LIMIT, or why it did not start
   */
  start(plan: MirrorConfig, by: string): Promise<MirrorStatus> {
    return this.#parts.exclusively(() => this.#start(plan, by))
  }

  /** @returns what it was, or null */
  stop(by: string): Promise<MirrorStatus | null> {
    return this.#parts.exclusively(() => this.#stop(by))
  }

  /** At the start of the gateway. */
  restore(plan: MirrorConfig | null): void {
    if (plan === null) return
    this.#set(plan)
    this.#bringUp()
  }

  /** Somebody has edited proxy.json. Must be called when no other change is under way. */
  async follow(plan: MirrorConfig | null): Promise<void> {
    const former = this.#plan
    if (plan === null && former !== null) await this.#stop('proxy.json')
    else if (plan !== null && (plan.version !== former?.version || plan.share !== former.share))
      await this.#start(plan, 'proxy.json')
  }

  /** Figures of a proxy process. */
  count({ answered, failed, dropped }: MirrorCounters): void {
    const counts = this.#counts
    this.#counts = {
      answered: counts.answered + answered,
      failed: counts.failed + failed,
      dropped: counts.dropped + dropped,
    }
  }

  close(): void {
    this.#version.close()
    this.#stopLooking()
  }

  async #start(plan: MirrorConfig, by: string): Promise<MirrorStatus> {
    const parts = this.#parts
    const former = this.#plan
    const began = Date.now()
    const undo: Array<() => Promise<unknown>> = []
    const onUndoFailure = (error: unknown): void => parts.log.error({ err: error }, 'mirroring was not put back whole')
    try {
      if (plan.version === parts.live()) throw new CserviceError('ALREADY_LIVE', `${plan.version} is live already`)
      const version = await parts.lookUp(plan.version)
      const sizeBefore = version.size
      await version.scale(Math.max(sizeBefore, parts.config().nonDefaultWorkerCount), 'scale')
      undo.push(async () => {
        version.scale(sizeBefore, 'scale').catch(onUndoFailure)
      })
      faultPoint('mirror:scaled')
      const rewrite = await parts.rewrite({ mirror: { version: plan.version, share: percentOf(plan) } })
      undo.push(() => rewrite.undo())
      faultPoint('mirror:recorded')
      undo.push(async () => {
        this.#set(former)
        parts.publish()
      })
      this.#set(plan)
      await parts.acknowledged(parts.publish())
    } catch (thrown) {
      const error = await undoAll(undo.reverse(), toCserviceError(thrown), onUndoFailure)
      await this.#record(plan, by, began, { result: 'failed', error: error.message })
      throw error
    }
    await this.#record(plan, by, began, { result: 'done' })
    return { ...plan, ...this.#counts }
  }

  async #stop(by: string): Promise<MirrorStatus | null> {
    const former = this.status
    if (former === null) return null
    const began = Date.now()
    await this.#parts.rewrite({ mirror: undefined })
    faultPoint('mirror:ended')
    this.#set(null)
    this.#parts.publish()
    this.#parts.shrink(former.version)
    await this.#record({ version: former.version, share: 0 }, by, began, { result: 'done' })
    return former
  }

  async #record(
    { version, share }: MirrorConfig,
    by: string,
    began: number,
    end: Pick<JournalEntry, 'result' | 'error'>,
  ): Promise<void> {
    const { answered, failed, dropped } = this.#counts
    const details = share === 0 ? { share, answered, failed, dropped } : { share }
    await this.#parts.journal.append({
      action: 'mirror',
      version,
      by,
      ...end,
      durationMs: Date.now() - began,
      details,
    })
  }

  #set(plan: MirrorConfig | null): void {
    this.#plan = plan
    this.#counts = { answered: 0, failed: 0, dropped: 0 }
    this.#parts.hold(plan?.version ?? null)
    if (plan !== null) this.#timer ??= setInterval(() => this.#bringUp(), lookInterval)
    else this.#stopLooking()
  }

  #stopLooking(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  #bringUp(): void {
    if (this.#plan === null) return
    this.#version.look(this.#plan.version, this.#parts.config().nonDefaultWorkerCount)
  }
}

/** Without the digits that come of counting in binary. */
function percentOf({ share }: MirrorConfig): number {
  return Number((share * 100).toPrecision(12))
}
