import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import type { Log } from '../../common/log.ts'

interface Use {
  /** When the gateway first saw the version; milliseconds since the epoch. */
  readonly seen: number
  /** Of the last request, or of the last moment as the live version; null: it was never used. */
  readonly used: number | null
}

/** Names of versions that are gone are kept for a while: their folder may be back in a moment. */
const longestList = 10_000

/**
 * When versions arrived and were last used, over restarts: `.cservice/last-use.json` beside proxy.json. Coarse, since it is written
 * once a minute at most, and never a reason to fail. Owns the file.
 */
export class LastUse {
  readonly file: string
  readonly #log: Log
  readonly #uses = new Map<string, Use>()
  #isChanged = false

  constructor(configFile: string, log: Log) {
    this.file = join(dirname(configFile), '.cservice', 'last-use.json')
    this.#log = log
  }

  async load(): Promise<void> {
    try {
      const content: unknown = JSON.parse(await readFile(this.file, 'utf8'))
      for (const [name, use] of Object.entries(content as Record<string, Partial<Use>>)) {
        if (typeof use?.seen !== 'number') continue
        this.#uses.set(name, { seen: use.seen, used: typeof use.used === 'number' ? use.used : null })
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      this.#log.warn({ err: error, file: this.file }, 'when versions were last used could not be read')
    }
  }

  /** The version is in the catalog. @param isNew its folder has just come, perhaps in the place of an older one */
  see(name: string, now: number, isNew = false): void {
    const use = this.#uses.get(name)
    if (use && !isNew) return
    this.#set(name, { seen: now, used: use?.used ?? null })
  }

  use(name: string, at: number): void {
    const use = this.#uses.get(name)
    if (use && use.used !== null && use.used >= at) return
    this.#set(name, { seen: use?.seen ?? at, used: at })
  }

  usedAt(name: string): number | null {
    return this.#uses.get(name)?.used ?? null
  }

  seenAt(name: string): number | null {
    return this.#uses.get(name)?.seen ?? null
  }

  /** The last use, or the arrival, whichever was later. */
  lastOf(name: string): number {
    const { seen, used } = this.#uses.get(name) ?? { seen: Date.now(), used: null }
    return Math.max(seen, used ?? 0)
  }

  async save(): Promise<void> {
    if (!this.#isChanged) return
    this.#isChanged = false
    try {
      await mkdir(dirname(this.file), { recursive: true })
      const uses = [...this.#uses].sort(([, a], [, b]) => b.seen - a.seen).slice(0, longestList)
      // Through a map: a version may be called __proto__.
      const lines = uses.map(([name, use]) => `${JSON.stringify(name)}:${JSON.stringify(use)}`)
      await writeFileAtomic(this.file, `{${lines.join(',\n')}}\n`, { fsync: false })
    } catch (error) {
      this.#log.warn({ err: error, file: this.file }, 'when versions were last used could not be written')
    }
  }

  #set(name: string, use: Use): void {
    this.#uses.set(name, use)
    this.#isChanged = true
  }
}
