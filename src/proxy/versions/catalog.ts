import { EventEmitter } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import { basename, extname, join, relative, resolve } from 'node:path'
import { type FSWatcher, watch } from 'chokidar'
import { CserviceError } from '../../common/errors.ts'
import { watchFolder } from '../config/watch-folder.ts'
import { isVersionName, versionNameRule } from './version-name.ts'
import { sortVersionNames } from './version-order.ts'

/** What came and what went, each sorted. */
export interface CatalogChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** How long the folder must be left alone before it is read again. */
const settleTime = 50

/**
 * The set of versions on disk: folders of `versionPath`, or links to folders, with a valid name, that hold the worker
 * file. Follows the disk without looking into the versions, so that a thousand of them cost one watch. A `change` event
 * tells what came and went. A name in a request is looked up here and never touches the file system.
 */
export class Catalog extends EventEmitter<{ change: [CatalogChange] }> {
  readonly versionPath: string
  readonly workerFilename: string
  #names: readonly string[] = []
  #set: ReadonlySet<string> = new Set()
  /** Follows the folders that have no worker file yet: it may be on its way. */
  #unfinished: FSWatcher | undefined
  #unfinishedFolders: ReadonlySet<string> = new Set()
  #folder: { close(): Promise<void> } | undefined
  #timer: NodeJS.Timeout | undefined
  #runningScan: Promise<void> = Promise.resolve()
  /** The scan after the running one. */
  #queuedScan: Promise<void> | undefined
  /** On disk still, and about to go. */
  readonly #withheld = new Set<string>()
  #isClosed = false

  private constructor(versionPath: string, workerFilename: string) {
    super()
    this.versionPath = resolve(versionPath)
    this.workerFilename = workerFilename
  }

  /**
   * Reads the folder and begins to follow it.
   * @param workerFilename relative to a version's folder; its extension may be missing
   * @throws CserviceError CONFIG_NOT_FOUND: no such folder; CONFIG_INVALID: it is none, or cannot be read
   */
  static async open(versionPath: string, workerFilename: string): Promise<Catalog> {
    const catalog = new Catalog(versionPath, workerFilename)
    try {
      await catalog.rescan()
      catalog.#folder = await watchFolder(catalog.versionPath, {
        isOfInterest: (path, isFile) => isFile !== true && isVersionName(basename(path)),
        fingerprint: () => catalog.#fingerprint(),
        onChange: () => catalog.#settle(),
      })
      // What came between reading and following.
      await catalog.rescan()
    } catch (error) {
      await catalog.close()
      throw error
    }
    return catalog
  }

  has(name: string): boolean {
    return this.#set.has(name)
  }

  /** Oldest first where all look like semantic versions, else in natural order (v2 before v10). */
  get names(): readonly string[] {
    return this.#names
  }

  /**
   * Reads the folder now. What it returns covers everything that was on disk when it was called.
   * @throws CserviceError as `open`; what was known stays, but for a folder that is gone, which has no versions
   */
  rescan(): Promise<void> {
    // A scan under way may have passed by what the caller knows of: all who come meanwhile share the one after it.
    this.#queuedScan ??= this.#runningScan.then(() => {
      this.#queuedScan = undefined
      const scan = this.#read()
      this.#runningScan = scan.catch(() => undefined)
      return scan
    })
    return this.#queuedScan
  }

  /**
   * Makes a version unknown from now on, although its folder is there: it is about to be removed.
   * @returns how to end that, and look at the disk again
   */
  withhold(name: string): () => Promise<void> {
    this.#withheld.add(name)
    this.#setNames(this.#names)
    return async () => {
      this.#withheld.delete(name)
      await this.rescan().catch(() => undefined)
    }
  }

  /** A sentence that says why a name is no version, or that it is one; looks at the disk. For operators only. */
  async explain(name: string): Promise<string> {
    const shown = JSON.stringify(name.length > 140 ? `${name.slice(0, 139)}…` : name)
    if (!isVersionName(name)) return `${shown} cannot be a version name (${versionNameRule})`
    const folder = join(this.versionPath, name)
    const stats = await stat(folder).catch((error: NodeJS.ErrnoException) => error)
    if (stats instanceof Error) {
      if (stats.code === 'ENOENT') return `there is no folder ${name} in ${this.versionPath}`
      return `the folder ${folder} cannot be read: ${stats.message}`
    }
    if (!stats.isDirectory()) return `${folder} is not a folder`
    if (this.#withheld.has(name)) return `${name} is being removed`
    const file = await findWorkerFile(folder, this.workerFilename)
    return file === null ? `the folder ${folder} has no ${this.workerFilename}` : `${name} is a version`
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await Promise.all([this.#folder?.close(), this.#unfinished?.close()])
    await this.#queuedScan?.catch(() => undefined)
    await this.#runningScan
  }

  #settle(): void {
    if (this.#isClosed) return
    clearTimeout(this.#timer)
    // Why it cannot be read is told to whoever asks for a version next.
    this.#timer = setTimeout(() => void this.rescan().catch(() => undefined), settleTime)
    this.#timer.unref()
  }

  async #read(): Promise<void> {
    let names: string[]
    try {
      names = (await readdir(this.versionPath)).filter(isVersionName)
    } catch (error) {
      const failure = unreadable(this.versionPath, error)
      if (failure.code === 'CONFIG_NOT_FOUND') this.#replace([], [])
      throw failure
    }
    const states = await Promise.all(names.map((name) => this.#stateOf(name)))
    this.#replace(
      names.filter((_, index) => states[index] === 'complete'),
      names.filter((_, index) => states[index] === 'unfinished'),
    )
  }

  async #stateOf(name: string): Promise<'complete' | 'unfinished' | 'none'> {
    const folder = join(this.versionPath, name)
    if ((await findWorkerFile(folder, this.workerFilename)) !== null) return 'complete'
    const stats = await stat(folder).catch(() => undefined)
    return stats?.isDirectory() ? 'unfinished' : 'none'
  }

  /** Of the folder, and of the folders in it that may become versions. */
  async #fingerprint(): Promise<string> {
    const folders = [this.versionPath, ...this.#unfinishedFolders]
    const all = await Promise.all(folders.map((folder) => stat(folder).catch(() => undefined)))
    return all.map((stats) => stats?.mtimeMs).join()
  }

  #replace(complete: readonly string[], unfinished: readonly string[]): void {
    if (this.#isClosed) return
    this.#followUnfinished(new Set(unfinished.map((name) => join(this.versionPath, name))))
    this.#setNames(complete)
  }

  #setNames(complete: readonly string[]): void {
    const names = sortVersionNames(complete.filter((name) => !this.#withheld.has(name)))
    const set = new Set(names)
    const added = names.filter((name) => !this.#set.has(name))
    const removed = this.#names.filter((name) => !set.has(name))
    if (added.length === 0 && removed.length === 0) return
    this.#names = names
    this.#set = set
    this.emit('change', { added, removed })
  }

  #followUnfinished(folders: ReadonlySet<string>): void {
    const former = this.#unfinishedFolders
    this.#unfinishedFolders = folders
    const gone = [...former].filter((folder) => !folders.has(folder))
    const come = [...folders].filter((folder) => !former.has(folder))
    if (gone.length > 0) this.#unfinished?.unwatch(gone)
    if (come.length > 0) this.#unfinishedWatcher().add(come)
  }

  #unfinishedWatcher(): FSWatcher {
    this.#unfinished ??= watch([], {
      depth: this.workerFilename.split('/').length - 1,
      ignoreInitial: false,
      ignored: (path) => !this.#leadsToWorkerFile(path),
    })
      .on('all', (event) => {
        if (event === 'add') this.#settle()
      })
      .on('error', () => undefined)
    return this.#unfinished
  }

  /** A folder without a worker file, or anything on the way from it to one. */
  #leadsToWorkerFile(path: string): boolean {
    const [name = '', ...inside] = relative(this.versionPath, path).split('/')
    if (!this.#unfinishedFolders.has(join(this.versionPath, name))) return false
    const file = this.workerFilename.split('/')
    const isOnTheWay = inside.every((segment, index) => segment === file[index])
    return isOnTheWay || workerFileCandidates(this.workerFilename).includes(inside.join('/'))
  }
}

/**
 * The worker file of a version, absolute: `workerFilename` itself, or, where it has no extension, with `.js`, `.mjs` or
 * `.cjs`; null: there is none.
 */
export async function findWorkerFile(versionFolder: string, workerFilename: string): Promise<string | null> {
  for (const candidate of workerFileCandidates(workerFilename)) {
    const file = join(versionFolder, candidate)
    const stats = await stat(file).catch(() => undefined)
    if (stats?.isFile()) return file
  }
  return null
}

function workerFileCandidates(workerFilename: string): readonly string[] {
  if (extname(workerFilename) !== '') return [workerFilename]
  return [workerFilename, `${workerFilename}.js`, `${workerFilename}.mjs`, `${workerFilename}.cjs`]
}

function unreadable(versionPath: string, error: unknown): CserviceError {
  const code = (error as NodeJS.ErrnoException).code
  const options = { cause: error, details: { versionPath } }
  if (code === 'ENOENT') {
    return new CserviceError(
      'CONFIG_NOT_FOUND',
      `There is no folder ${versionPath}, where versionPath says the versions are`,
      {
        ...options,
        hint: 'Create the folder, or name the right one as versionPath in proxy.json.',
      },
    )
  }
  if (code === 'ENOTDIR')
    return new CserviceError('CONFIG_INVALID', `versionPath ${versionPath} is not a folder`, options)
  const reason = error instanceof Error ? error.message : String(error)
  return new CserviceError('CONFIG_INVALID', `The folder versionPath ${versionPath} cannot be read: ${reason}`, options)
}
