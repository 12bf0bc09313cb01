import type { SelectableRequest, SelectedBy, Selection } from './selection.ts'
import type { VersionNames } from './version-names.ts'

/**
 * One way to tell which version a request is for. Pure: whether there is such a version is asked by whoever asks the
 * selectors in turn (version-selector.ts).
 */
export interface Selector {
  readonly by: SelectedBy
  /** What it reads is a hint, and an exact name: where there is no such version, the next selector is asked. */
  readonly isHint?: true
  /** null: it does not apply to this request. A text: the version, as it was written; '' for what names none. */
  read(request: SelectableRequest): string | Statement | null
  /** The version that is meant by what it reads, where that is written otherwise than the name; null: it is the name, or a range. */
  find?(text: string, names: VersionNames): string | null
}

/** The version that a request states, where stating it has changed the target. */
export interface Statement {
  /** As it was written. */
  readonly version: string
  /** What is left for the worker. */
  readonly target: string
  /** What was cut off, or null. */
  readonly prefix: string | null
}

/**
 * What holds a client to the version that it has seen first, while the live one changes. Asked when the request states no version
 * itself.
 */
export interface Pins extends Selector {
  /**
   * Lets the client keep a version that the request itself did not state (by `sticky`, `rollout` or `live`).
   * @returns the selection, or one with cookies
   */
  keep(request: SelectableRequest, selection: Selection): Selection
}
