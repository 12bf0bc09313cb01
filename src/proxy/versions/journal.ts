import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Log } from '../../common/log.ts'

/** What was done. `live-by-edit`: somebody has changed `defaultVersion` in proxy.json. */
export type JournalAction =
  | 'deploy'
  | 'promote'
  | 'live-by-edit'
  | 'rollback'
  | 'rollout'
  | 'mirror'
  | 'remove'
  | 'prune'

/** One line of the journal: what was done, by whom, and how it went. */
export interface JournalEntry {
  readonly action: JournalAction
  readonly version: string
  /** The live version before it, where that was changed. */
  readonly previous?: string | null
  readonly workers?: number
  readonly epoch?: number
  /** User name or address; never a key. */
  readonly by: string
  readonly result: 'done' | 'failed'
  readonly error?: string
  readonly durationMs: number
  /** What else there is to know: the figures behind a decision, say. JSON-safe. */
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * The append-only record of what was deployed and made live: JSON lines in `.cservice/journal.jsonl` beside proxy.json, on disk before
 * the command answers. Never a reason to fail: what is live is said by proxy.json alone.
 */
export class Journal {
  readonly file: string
  readonly #log: Log

  constructor(configFile: string, log: Log) {
    this.file = join(dirname(configFile), '.cservice', 'journal.jsonl')
    this.#log = log
  }

  async append(entry: JournalEntry): Promise<void> {
    try {
      await mkdir(dirname(this.file), { recursive: true })
      const handle = await open(this.file, 'a')
      try {
        await handle.appendFile(`${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`)
        await handle.datasync()
      } finally {
        await handle.close()
      }
    } catch (error) {
      this.#log.warn({ err: error, file: this.file }, 'the journal could not be written')
    }
  }
}
