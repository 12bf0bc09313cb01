import type { Journal } from './versions/journal.ts'
import type { LiveHistory } from './versions/live-history.ts'

/**
 * Makes the journal know what is live when the gateway starts: the line of a promote may be lost in a crash, proxy.json may have
 * been edited meanwhile, and at the very first start nothing is known. Without that a rollback would miss a version.
 */
export async function recordLiveAtStart(live: string | null, history: LiveHistory, journal: Journal): Promise<void> {
  await history.load(journal)
  if (live === null || live === history.live) return
  await journal.append({
    action: 'live-by-edit',
    version: live,
    previous: history.live,
    by: 'proxy.json',
    result: 'done',
    durationMs: 0,
    details: { found: 'at start' },
  })
}
