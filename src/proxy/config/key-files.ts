import { watchFiles } from './watch-files.ts'

/** How long a file must be left alone: whoever writes one may do it in several steps. */
const settleTime = 100

/** Follows the files that keys are in, whichever these are at the time. */
export class KeyFiles {
  readonly #onChange: () => void
  #files = ''
  #watcher: { close(): Promise<void> } | null = null
  #settling: NodeJS.Timeout | undefined
  #isClosed = false

  /** @param onChange the content of one of them may be another; may be called more often than that */
  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  /** Follows these instead of those before. Must not be called again until it has resolved. @param files absolute paths */
  async follow(files: readonly string[]): Promise<void> {
    const list = files.join('\0')
    if (this.#isClosed || list === this.#files) return
    this.#files = list
    await this.#watcher?.close()
    this.#watcher = null
    if (files.length === 0) return
    const watcher = await watchFiles(files, () => this.#tellSoon())
    if (this.#isClosed) return watcher.close()
    this.#watcher = watcher
    this.#tellSoon() // a change between the reading and the watch
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#settling)
    await this.#watcher?.close()
  }

  #tellSoon(): void {
    clearTimeout(this.#settling)
    if (!this.#isClosed) this.#settling = setTimeout(this.#onChange, settleTime).unref()
  }
}
