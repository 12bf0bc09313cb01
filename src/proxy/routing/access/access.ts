import type { RouteTable } from '../route-table.ts'
import type { SelectableRequest, Selection } from '../selection.ts'
import type { AccessSettings } from '../selection-settings.ts'
import { matchesGlob } from './glob.ts'
import type { PreviewLock } from './preview-lock.ts'
import { withoutKey, withoutTraces } from './preview-traces.ts'

/** What becomes of a version that a request has stated. */
export type Admission = { readonly selection: Selection } | { readonly reason: string }

const unknown: Admission = { reason: 'there is no such version' }

/**
 * Who may reach which version by naming it. What the gateway chooses by itself, and the live version, is open to everybody. To whoever
 * is not admitted there is no such version: finding that out takes the same work as for one that does not exist.
 */
export class Access {
  readonly #settings: AccessSettings
  readonly #table: RouteTable
  readonly #locks: readonly PreviewLock[]

  constructor(settings: AccessSettings, locks: readonly PreviewLock[], table: RouteTable) {
    this.#settings = settings
    this.#locks = locks
    this.#table = table
  }

  /** @param selection by what the request states; null: it states a version that does not exist */
  admit(request: SelectableRequest, selection: Selection | null): Admission {
    const shown = this.#locks.map((lock) => ({ lock, what: lock.read(request) }))
    if (selection === null) return unknown
    const { version } = selection
    if (version === this.#table.live) return { selection }
    const first = shown.find(({ lock }) => lock.isOf(version))
    if (first?.what === 'nothing') return { reason: 'its preview key is missing or wrong' }
    if (!this.#runs(version) && !this.#mayStart(version))
      return { reason: 'requests may not start it (onDemand.allow)' }
    if (first?.what !== 'key' || withoutKey(request.target) === request.target) return { selection }
    const cookie = first.lock.cookie(this.#settings.isSecure)
    return { selection: { ...selection, cookies: [...selection.cookies, cookie] } }
  }

  /** Keeps keys from the worker, whichever it is. */
  cleanse(request: SelectableRequest, selection: Selection): Selection {
    if (this.#locks.length === 0) return selection
    const before = selection.target ?? request.target
    const target = withoutKey(before)
    const replaced = withoutTraces(request)
    if (target === before && replaced.length === 0) return selection
    return { ...selection, target: target === request.target ? null : target, replaced }
  }

  #runs(version: string): boolean {
    const state = this.#table.route(version)?.state
    return state === 'ready' || state === 'starting'
  }

  #mayStart(version: string): boolean {
    return this.#settings.onDemand?.some((pattern) => matchesGlob(version, pattern)) ?? true
  }
}
