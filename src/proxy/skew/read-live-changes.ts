import type { Journal } from '../versions/journal.ts'
import { changesLive } from '../versions/live-history.ts'
import type { LiveChange } from './kept-versions.ts'

/** Older changes than these are as if they had never been. */
const remembered = 1_000

/** What was live, oldest first, as the journal tells it. */
export async function readLiveChanges(journal: Pick<Journal, 'last'>): Promise<LiveChange[]> {
  const records = await journal.last(remembered, changesLive)
  return records.reverse().flatMap(({ version, at }) => (version === null ? [] : [{ version, at: Date.parse(at) }]))
}
