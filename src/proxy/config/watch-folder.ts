import { stat } from 'node:fs/promises'
import { type FSWatcher, watch } from 'chokidar'

/** How a folder is followed. */
export interface FolderWatchOptions {
  /** Whether something happening to this entry of the folder (its full path) matters. */
  isOfInterest(path: string, isFile: boolean | undefined): boolean
  /** A text that changes whenever what matters has changed: looked at now and then, for what no event tells of. */
  fingerprint(): Promise<string>
  /** Something may have changed; may be called more often than something has. */
  onChange(): void
}

/** How often identity and fingerprint are looked at: two system calls, so that nothing depends on events alone. */
const pollInterval = 2000
/** How soon after an event, and how often while there is no folder. */
const soon = 100

/**
 * Follows the entries of one folder, not what is inside them. Goes on when the folder is deleted, re-created, replaced
 * by another or reached through a link that now leads elsewhere, and, more slowly, where the system has no events to
 * give (network file systems, no inotify watches left).
 */
export async function watchFolder(folder: string, options: FolderWatchOptions): Promise<{ close(): Promise<void> }> {
  const follower = new FolderFollower(folder, options)
  await follower.open()
  return follower
}

class FolderFollower {
  readonly #folder: string
  readonly #options: FolderWatchOptions
  #watcher: FSWatcher | undefined
  #identity = ''
  #fingerprint = ''
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #isLookDue = false
  #isClosed = false

  constructor(folder: string, options: FolderWatchOptions) {
    this.#folder = folder
    this.#options = options
  }

  async open(): Promise<void> {
    this.#identity = await identityOf(this.#folder)
    this.#fingerprint = await this.#options.fingerprint()
    await this.#openWatcher()
    this.#scheduleLook()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#watcher?.close()
  }

  async #openWatcher(): Promise<void> {
    if (this.#identity === '') return
    const watcher = watch(this.#folder, {
      depth: 0,
      ignoreInitial: true,
      ignored: (path, stats) => path !== this.#folder && !this.#options.isOfInterest(path, stats?.isFile()),
    })
    this.#watcher = watcher
    await new Promise<void>((resolve) => {
      // An error (no watches left) leaves the looking now and then.
      watcher.once('ready', resolve).on('error', () => resolve())
    })
    watcher.on('all', () => this.#onEvent())
  }

  #onEvent(): void {
    this.#options.onChange()
    // The folder itself may be another by now.
    if (this.#isLookDue) return
    this.#isLookDue = true
    if (!this.#isLooking) this.#scheduleLook()
  }

  #scheduleLook(): void {
    if (this.#isClosed) return
    clearTimeout(this.#timer)
    const delay = this.#isLookDue || this.#identity === '' ? soon : pollInterval
    this.#timer = setTimeout(() => {
      this.#isLookDue = false
      this.#isLooking = true
      void this.#look().finally(() => {
        this.#isLooking = false
        this.#scheduleLook()
      })
    }, delay)
    this.#timer.unref()
  }

  async #look(): Promise<void> {
    const identity = await identityOf(this.#folder)
    const fingerprint = await this.#options.fingerprint()
    if (this.#isClosed || (identity === this.#identity && fingerprint === this.#fingerprint)) return
    this.#fingerprint = fingerprint
    if (identity !== this.#identity) {
      this.#identity = identity
      await this.#watcher?.close()
      this.#watcher = undefined
      if (!this.#isClosed) await this.#openWatcher()
    }
    // Closing waited for nothing of this: a watcher that was opened meanwhile is closed here.
    if (this.#isClosed) await this.#watcher?.close()
    else this.#options.onChange()
  }
}

/** Tells the folder at a path from another one that takes its place, be it with the same inode; empty: there is none. */
async function identityOf(folder: string): Promise<string> {
  const stats = await stat(folder).catch(() => undefined)
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}:${stats.birthtimeMs}`
}
