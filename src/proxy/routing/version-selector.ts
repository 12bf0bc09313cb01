import type { Access } from './access/access.ts'
import { type NoSelection, type SelectableRequest, type SelectedBy, type Selection, selectionOf } from './selection.ts'
import type { Pins, Selector, Statement } from './selector.ts'
import type { VersionNames } from './version-names.ts'

/** Who may select, in the order in which they are asked; the first that applies decides. */
export interface SelectorParts {
  readonly names: VersionNames
  /** Who may reach what it states; null: everybody may reach everything. */
  readonly access: Access | null
  /** Other names for versions, and for ranges of them. */
  readonly aliases: ReadonlyMap<string, string>
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
  readonly selector: SelectedBy | 'access'
  /** What the request says, as it was read; null: nothing, so that the next one is asked. */
  readonly found: string | null
  /** The name of a version, or why there is none, or why it may not be reached; null: see `found`. */
  readonly result: string | null
}

export type Trace = (step: SelectionStep) => void

const unknown: NoSelection = { error: 'UNKNOWN_VERSION' }
const noLive: NoSelection = { error: 'NO_LIVE_VERSION' }

/**
 * Tells which version a request is for. Immutable, made anew when the settings or the route table change (make-selector.ts).
 * Pure: the same request gets the same answer, whoever asks.
 */
export class VersionSelector {
  readonly #parts: SelectorParts
  /** Those that know names of versions, and no ranges. */
  readonly #unstated: readonly Selector[]

  constructor(parts: SelectorParts) {
    this.#parts = parts
    const { pins, share, live } = parts
    this.#unstated = [...(pins ? [pins] : []), ...(share ? [share] : []), live]
  }

  /** @param trace is told of every selector that was asked */
  select(request: SelectableRequest, trace?: Trace): Selection | NoSelection {
    const { names, stated, pins, access } = this.#parts
    for (const selector of stated) {
      const statement = selector.read(request)
      if (statement === null) {
        trace?.(step(selector, null, null))
        continue
      }
      const selection = this.#follow(request, selector, statement, trace)
      if (selection !== null) return selection
      // What was asked for by name and is not there is never another version's business.
      if (selector.isHint !== true) return unknown
    }
    for (const selector of this.#unstated) {
      const statement = selector.read(request)
      const name = statement === null || typeof statement === 'string' ? statement : statement.version
      const version = name !== null && names.has(name) ? name : null
      trace?.(step(selector, name, version))
      if (name === null) continue
      if (version === null) return unknown
      const plain = selectionOf(version, selector.by)
      const selection = access === null ? plain : access.cleanse(request, plain)
      return pins === null ? selection : pins.keep(request, selection)
    }
    return noLive
  }

  /** @returns null: to this client there is no such version */
  #follow(
    request: SelectableRequest,
    selector: Selector,
    statement: string | Statement,
    trace?: Trace,
  ): Selection | null {
    const { access, names } = this.#parts
    const visitor = access?.visitor(request) ?? null
    const text = typeof statement === 'string' ? statement : statement.version
    const version = this.#resolve(selector, text, visitor?.names ?? names)
    if (trace !== undefined) {
      const hidden = version === null && visitor !== null ? this.#resolve(selector, text, names) : null
      trace(step(selector, text, version ?? hidden))
      if (hidden !== null) trace({ selector: 'access', found: hidden, result: visitor?.whyNot(hidden) ?? null })
    }
    if (version === null) return null
    const selection = toSelection(version, selector, statement)
    return access === null || visitor === null ? selection : access.cleanse(request, visitor.admit(selection))
  }

  /** The exact name first, then what the configuration calls so, then the highest in a range. */
  #resolve(selector: Selector, text: string, names: VersionNames): string | null {
    const named = selector.find?.(text, names) ?? (names.has(text) ? text : null)
    if (named !== null || selector.isHint === true) return named
    const meaning = this.#parts.aliases.get(text) ?? text
    return names.has(meaning) ? meaning : names.inRange(meaning)
  }
}

function toSelection(version: string, { by }: Selector, statement: string | Statement): Selection {
  const selection = selectionOf(version, by)
  if (typeof statement === 'string') return selection
  return { ...selection, target: statement.target, prefix: statement.prefix }
}

function step({ by }: Selector, found: string | null, version: string | null): SelectionStep {
  return { selector: by, found, result: found === null ? null : (version ?? unknown.error) }
}
