import type { Journal, JournalRecord } from './journal.ts'

/** A version that was live, and with how many workers; null: nobody knows. */
export interface FormerLive {
  readonly version: string
  readonly workers: number | null
}

/** How many entries of the journal are looked at: whoever goes back further than that names the version. */
const remembered = 1_000

/**
 * What was live, one version after the other, as the journal tells it: where a rollback goes. Owns that stack, and follows the
 * journal, so that a disk that takes nothing more does not stand in the way of a rollback.
 */
export class LiveHistory {
  #stack: readonly FormerLive[] = []

  constructor(journal: Pick<Journal, 'on'>) {
    journal.on('appended', (entry) => this.note(entry))
  }

  /** Of a gateway that starts: what the journal tells, and what is live now. */
  async load(journal: Pick<Journal, 'last'>): Promise<void> {
    const entries = await journal.last(remembered, changesLive)
    this.#stack = entries.reverse().reduce(applyLiveChange, [])
  }

  note(entry: JournalRecord): void {
    if (changesLive(entry)) this.#stack = applyLiveChange(this.#stack, entry).slice(-remembered)
  }

  /** What the journal knows to be live; null: nothing, or no entry yet. */
  get live(): string | null {
    return this.#stack.at(-1)?.version ?? null
  }

  /** Those that were live before it, the last one first. */
  before(live: string | null): readonly FormerLive[] {
    return formerLive(this.#stack, live)
  }
}

/** Whether an entry says that another version was live from then on. */
export function changesLive({ action, result }: JournalRecord): boolean {
  return result === 'done' && (action === 'promote' || action === 'rollback' || action === 'live-by-edit')
}

/**
 * The stack after a change. A promote or an edit puts a version on top; a rollback takes off what is above the one that it
 * went to, so that one rollback after the other goes back further, and never to and fro. Pure.
 */
export function applyLiveChange(stack: readonly FormerLive[], entry: JournalRecord): readonly FormerLive[] {
  const { action, version, previous, workers = null } = entry
  // The line of a change may be lost. What was live before this one says what it must have been.
  const isGap = previous !== undefined && previous !== null && stack.at(-1)?.version !== previous
  const known = isGap ? [...stack, { version: previous, workers: null }] : stack
  if (version === null) return known
  if (action === 'rollback') {
    const below = previous === null ? known : known.slice(0, -1)
    const index = below.findLastIndex((former) => former.version === version)
    return [...below.slice(0, Math.max(0, index)), { version, workers }]
  }
  const below = known.at(-1)?.version === version ? known.slice(0, -1) : known
  return [...below, { version, workers }]
}

/** The stack from its top, without the version that is live now, if that is the top. Pure. */
export function formerLive(stack: readonly FormerLive[], live: string | null): readonly FormerLive[] {
  return (stack.at(-1)?.version === live ? stack.slice(0, -1) : stack).toReversed()
}

/**
 * The version to which a rollback of `steps` goes: the `steps`-th of those that are still there; and those that were passed
 * over because they are gone. Pure.
 * @param former the last one first
 * @returns target null: there are not as many
 */
export function chooseFormer(
  former: readonly FormerLive[],
  live: string | null,
  steps: number,
  exists: (version: string) => boolean,
): { readonly target: FormerLive | null; readonly skipped: readonly string[] } {
  const skipped: string[] = []
  let last = live
  let left = steps
  for (const candidate of former) {
    const { version } = candidate
    if (!exists(version)) skipped.push(version)
    // With what was between them gone, a version may follow itself: that is no step.
    else if (version !== last) {
      last = version
      if (--left === 0) return { target: candidate, skipped: [...new Set(skipped)] }
    }
  }
  return { target: null, skipped: [...new Set(skipped)] }
}
