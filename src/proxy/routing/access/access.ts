import type { RouteTable } from '../route-table.ts'
import type { SelectableRequest, Selection } from '../selection.ts'
import type { AccessSettings } from '../selection-settings.ts'
import type { VersionNames } from '../version-names.ts'
import { matchesGlob } from './glob.ts'
import { PreviewLock, type Shown, shownKeys } from './preview-lock.ts'
import { withoutKey, withoutTraces } from './preview-traces.ts'

/** How many sets of keys are remembered that somebody has shown together. */
const mostViews = 16

/** What a client may reach by naming it. */
export interface Visitor {
  /** Of the versions that it may reach. To it there are no others: not in a range, nor by an alias or a label. */
  readonly names: VersionNames
  /** What the answer has to bring besides. @param selection of one of these versions */
  admit(selection: Selection): Selection
  /** Why it may not reach the version, for the operator; null: it may. */
  whyNot(version: string): string | null
}

/**
 * Who may reach which version by naming it. What the gateway chooses by itself, and the live version, is open to everybody. Whoever is
 * not admitted is answered as if the catalog had no such version, by the same work: a range that went to a version which its client
 * may not see would tell that there is one.
 */
export class Access {
  readonly #settings: AccessSettings
  readonly #table: RouteTable
  readonly #locks: readonly PreviewLock[]
  /** By which of the locks are open. */
  readonly #views = new Map<string, VersionNames>()

  constructor(settings: AccessSettings, table: RouteTable) {
    this.#settings = settings
    this.#table = table
    this.#locks = locksOf(settings)
  }

  /** Takes the same work whatever version the request names. */
  visitor(request: SelectableRequest): Visitor {
    const keys = shownKeys(request)
    const shown = this.#locks.map((lock) => lock.read(request, keys))
    return {
      names: this.#view(shown),
      admit: (selection) => this.#admit(request, selection, shown),
      whyNot: (version) => this.#whyNot(version, shown),
    }
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

  #view(shown: readonly Shown[]): VersionNames {
    const open = shown.map((what) => (what === 'nothing' ? '-' : '+')).join('')
    const known = this.#views.get(open)
    if (known !== undefined) return known
    const names = this.#table.names.where((version) => this.#whyNot(version, shown) === null)
    if (this.#views.size >= mostViews) this.#views.clear()
    this.#views.set(open, names)
    return names
  }

  #admit(request: SelectableRequest, selection: Selection, shown: readonly Shown[]): Selection {
    const { version } = selection
    const place = version === this.#table.live ? -1 : this.#lockOf(version)
    const lock = this.#locks[place]
    if (lock === undefined || shown[place] !== 'key' || withoutKey(request.target) === request.target) return selection
    return { ...selection, cookies: [...selection.cookies, lock.cookie(this.#settings.isSecure)] }
  }

  /** null: it may be reached. */
  #whyNot(version: string, shown: readonly Shown[]): string | null {
    if (version === this.#table.live) return null
    if (shown[this.#lockOf(version)] === 'nothing') return 'its preview key is missing or wrong'
    if (!this.#runs(version) && !this.#mayStart(version)) return 'requests may not start it (onDemand.allow)'
    return null
  }

  /** The place of the first that is for the version; -1: it has none. */
  #lockOf(version: string): number {
    return this.#locks.findIndex((lock) => lock.isOf(version))
  }

  #runs(version: string): boolean {
    const state = this.#table.route(version)?.state
    return state === 'ready' || state === 'starting'
  }

  #mayStart(version: string): boolean {
    return this.#settings.onDemand?.some((pattern) => matchesGlob(version, pattern)) ?? true
  }
}

/** Made once for the same settings: they take some hashing. */
const locks = new WeakMap<AccessSettings, readonly PreviewLock[]>()

function locksOf(settings: AccessSettings): readonly PreviewLock[] {
  const made = locks.get(settings) ?? settings.previews.map((preview) => new PreviewLock(preview))
  locks.set(settings, made)
  return made
}
