import { type NoSelection, type SelectableRequest, type SelectedBy, type Selection, selectionOf } from './selection.ts'
import type { Pins, Selector } from './selector.ts'
import type { VersionNames } from './version-names.ts'

/** Who may select, in the order in which they are asked; the first that applies decides. */
export interface SelectorParts {
  readonly names: VersionNames
  /** What a request states itself: header, query, cookie, host, path. */
  readonly stated: readonly Selector[]
  /** By `sticky`. */
  readonly pins: Pins | null
  /** By `rollout`: gives some clients a version that is not live yet. */
  readonly share: Selector | null
  readonly live: Selector
}

/** One selector that was asked: what it read, and what came of it. */
export interface SelectionStep {
  readonly selector: SelectedBy
  /** What the request says, as it was read; null: nothing, so that the next one is asked. */
  readonly found: string | null
  /** The name of a version, or why there is none; null: see `found`. */
  readonly result: string | null
}

const unknown: NoSelection = { error: 'UNKNOWN_VERSION' }
const noLive: NoSelection = { error: 'NO_LIVE_VERSION' }

/**
 * Tells which version a request is for. Immutable, made anew when the settings or the route table change (make-selector.ts).
 * Pure: the same request gets the same answer, whoever asks.
 */
export class VersionSelector {
  readonly #parts: SelectorParts
  readonly #selectors: readonly Selector[]

  constructor(parts: SelectorParts) {
    this.#parts = parts
    const { stated, pins, share, live } = parts
    this.#selectors = [...stated, ...(pins ? [pins] : []), ...(share ? [share] : []), live]
  }

  /** @param trace is told of every selector that was asked */
  select(request: SelectableRequest, trace?: (step: SelectionStep) => void): Selection | NoSelection {
    for (const selector of this.#selectors) {
      const statement = selector.read(request)
      if (statement === null) {
        trace?.({ selector: selector.by, found: null, result: null })
        continue
      }
      const text = typeof statement === 'string' ? statement : statement.version
      const version = this.#parts.names.find(text)
      trace?.({ selector: selector.by, found: text, result: version ?? unknown.error })
      // What was asked for by name and is not there is never another version's business.
      if (version === null) return unknown
      const plain = selectionOf(version, selector.by)
      if (typeof statement !== 'string') return { ...plain, target: statement.target, prefix: statement.prefix }
      const { pins, stated } = this.#parts
      return pins === null || stated.includes(selector) ? plain : pins.keep(request, plain)
    }
    return noLive
  }
}
