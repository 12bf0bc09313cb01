import type { CserviceError } from '../../common/errors.ts'
import type { Verdict } from './guard.ts'
import { type RolloutPlan, shareOf } from './plan.ts'
import type { RolloutParts } from './transaction.ts'

/** What has happened to a rollout that goes on. */
export type RolloutEvent = 'start' | 'change' | 'step' | 'pause' | 'resume'

/** How a rollout ended. JSON-safe. */
export interface RolloutEnd {
  readonly version: string
  /** `done`: it is live. */
  readonly result: 'done' | 'aborted'
  readonly why: string
  /** That it had, from 0 to 1. */
  readonly share: number
  /** ISO 8601. */
  readonly at: string
  /** The figures of its last step. */
  readonly verdict: Verdict
}

export function endOf(
  plan: RolloutPlan,
  { at, ...end }: Pick<RolloutEnd, 'result' | 'why' | 'verdict'> & { readonly at: number },
): RolloutEnd {
  return { version: plan.version, ...end, share: shareOf(plan), at: new Date(at).toISOString() }
}

interface Change {
  readonly by: string
  /** By the steady clock, in milliseconds. */
  readonly began: number
}

/** Writes what becomes of a rollout into the journal, with the figures behind it. */
export class RolloutJournal {
  readonly #parts: RolloutParts

  constructor(parts: RolloutParts) {
    this.#parts = parts
  }

  /** @param verdict the figures of the step before; null: there was none */
  async changed(
    event: RolloutEvent,
    plan: RolloutPlan,
    { by, began, workers, epoch, verdict }: Change & { workers: number; epoch: number; verdict: Verdict | null },
  ): Promise<void> {
    await this.#parts.journal.append({
      action: 'rollout',
      version: plan.version,
      workers,
      epoch,
      by,
      result: 'done',
      durationMs: this.#since(began),
      details: { event, ...this.#placeOf(plan), ...(verdict === null ? {} : { before: verdict }) },
    })
  }

  async failed(
    event: RolloutEvent,
    plan: RolloutPlan,
    { by, began, error }: Change & { error: CserviceError },
  ): Promise<void> {
    await this.#parts.journal.append({
      action: 'rollout',
      version: plan.version,
      by,
      result: 'failed',
      error: error.message,
      durationMs: this.#since(began),
      details: { event, ...this.#placeOf(plan) },
    })
  }

  async ended({ version, result, why, share, verdict }: RolloutEnd, by: string): Promise<void> {
    await this.#parts.journal.append({
      action: 'rollout',
      version,
      by,
      result: 'done',
      durationMs: 0,
      details: { event: result === 'done' ? 'done' : 'abort', why, share, live: this.#parts.live(), before: verdict },
    })
  }

  #placeOf(plan: RolloutPlan): Record<string, unknown> {
    const { step, steps, every, guard } = plan
    return { share: shareOf(plan), step: step + 1, steps, every, guard, live: this.#parts.live() }
  }

  #since(began: number): number {
    return Math.round(this.#parts.now().steady - began)
  }
}
