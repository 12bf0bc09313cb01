import { EventEmitter } from 'node:events'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Log } from '../../common/log.ts'
import { Turns } from '../turns.ts'
import { readLinesBackwards } from './read-lines-backwards.ts'

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
  /** null, of `live-by-edit` alone: no version is live from here on. */
  readonly version: string | null
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

/** An entry as it was written. */
export interface JournalRecord extends JournalEntry {
  /** ISO 8601, UTC. */
  readonly at: string
}

export interface JournalLimits {
  /** Bytes from which on the next entry begins a new file. */
  readonly fileSize: number
  /** Full files that are kept beside the one that is written. */
  readonly fullFiles: number
}

const usualLimits: JournalLimits = { fileSize: 1024 * 1024, fullFiles: 4 }

/**
 * The append-only record of what was deployed and made live: JSON lines in `.cservice/journal.jsonl` beside proxy.json, on disk before
 * the command answers; full files are `journal.1.jsonl` (the youngest) and so on. Never a reason to fail: what is live is said by
 * proxy.json alone. An `appended` event tells of each entry, also of one that could not be written.
 */
export class Journal extends EventEmitter<{ appended: [JournalRecord] }> {
  readonly file: string
  readonly #log: Log
  readonly #limits: JournalLimits
  /** A reader must not meet a file that is being renamed. */
  readonly #turns = new Turns()

  constructor(configFile: string, log: Log, limits: JournalLimits = usualLimits) {
    super()
    this.file = join(dirname(configFile), '.cservice', 'journal.jsonl')
    this.#log = log
    this.#limits = limits
  }

  async append(entry: JournalEntry): Promise<void> {
    const record = { at: new Date().toISOString(), ...entry }
    await this.#turns.take(async () => {
      try {
        await this.#write(record)
      } catch (error) {
        this.#log.warn({ err: error, file: this.file }, 'the journal could not be written')
      }
    })
    this.emit('appended', record)
  }

  /**
   * The last entries, newest first. Reads no more of the files than it needs, in blocks. What is no entry, such as a line that
   * a crash has torn, is passed over; a file that cannot be read has none.
   * @param isWanted which entries count
   */
  last(count: number, isWanted: (entry: JournalRecord) => boolean = () => true): Promise<JournalRecord[]> {
    return this.#turns.take(async () => {
      const found: JournalRecord[] = []
      for (let number = 0; number <= this.#limits.fullFiles; number++) {
        try {
          for await (const line of readLinesBackwards(this.#fileOf(number))) {
            if (found.length >= count) return found
            const record = parseRecord(line)
            if (record !== null && isWanted(record)) found.push(record)
          }
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue
          this.#log.warn({ err: error, file: this.#fileOf(number) }, 'the journal could not be read')
        }
      }
      return found
    })
  }

  async #write(record: JournalRecord): Promise<void> {
    await mkdir(dirname(this.file), { recursive: true })
    await this.#makeRoom()
    const handle = await open(this.file, 'a+')
    try {
      const { size } = await handle.stat()
      // A crash may have left half a line: the next one must not become a part of it.
      const isTorn = size > 0 && (await handle.read(Buffer.alloc(1), 0, 1, size - 1)).buffer[0] !== lineFeed
      await handle.appendFile(`${isTorn ? '\n' : ''}${JSON.stringify(record)}\n`)
      await handle.datasync()
    } finally {
      await handle.close()
    }
  }

  /** Puts a full file aside, and the oldest away. A crash between two renames leaves a number unused, and loses nothing. */
  async #makeRoom(): Promise<void> {
    const stats = await stat(this.file).catch(() => null)
    if (stats === null || stats.size < this.#limits.fileSize) return
    const { fullFiles } = this.#limits
    await rm(this.#fileOf(fullFiles), { force: true })
    for (let number = fullFiles - 1; number >= 0; number--) {
      await rename(this.#fileOf(number), this.#fileOf(number + 1)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      })
    }
  }

  /** 0: the one that is written. */
  #fileOf(number: number): string {
    return number === 0 ? this.file : this.file.replace(/jsonl$/, `${number}.jsonl`)
  }
}

const lineFeed = 0x0a

/** null: no entry. The beginning of a JSON object is never JSON itself, so that a torn line is never taken for a whole one. */
function parseRecord(line: string): JournalRecord | null {
  try {
    const value = JSON.parse(line) as Partial<JournalRecord> | null
    const isRecord = typeof value === 'object' && typeof value?.at === 'string' && typeof value.action === 'string'
    return isRecord ? (value as JournalRecord) : null
  } catch {
    return null
  }
}
