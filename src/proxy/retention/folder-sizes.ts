import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Turns } from '../turns.ts'

/** Calls of the file system at once: the pool of threads is small, and a promote needs it as well. */
const concurrency = 8

/**
 * What folders take on disk, in bytes. A version never changes, so that each is measured once; one after the other, in the
 * background, so that a hundred of them delay nothing else. Owns what is known.
 */
export class FolderSizes {
  readonly #known = new Map<string, { readonly identity: string; readonly bytes: Promise<number | null> }>()
  readonly #measured = new Map<string, number>()
  readonly #turns = new Turns()
  #isClosed = false

  /** The size of a folder, links in it not followed; null: it cannot be read, or nobody wants to know any more. */
  async sizeOf(folder: string): Promise<number | null> {
    const stats = await stat(folder).catch(() => null)
    if (stats === null) return null
    const identity = `${stats.dev}:${stats.ino}:${stats.mtimeMs}`
    const known = this.#known.get(folder)
    if (known?.identity === identity) return known.bytes
    const bytes = this.#turns.take(async () => {
      const measured = await this.#measure(folder).catch(() => null)
      if (measured !== null) this.#measured.set(folder, measured)
      return measured
    })
    this.#known.set(folder, { identity, bytes })
    return bytes
  }

  /** The same at once; null: it has not been measured yet. */
  knownSizeOf(folder: string): number | null {
    return this.#measured.get(folder) ?? null
  }

  forget(folder: string): void {
    this.#known.delete(folder)
    this.#measured.delete(folder)
  }

  close(): void {
    this.#isClosed = true
  }

  async #measure(root: string): Promise<number | null> {
    const folders = [root]
    let bytes = 0
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      const entries = await readdir(folder, { withFileTypes: true })
      for (let start = 0; start < entries.length; start += concurrency) {
        if (this.#isClosed) return null
        const paths = entries.slice(start, start + concurrency).map((entry) => join(folder ?? root, entry.name))
        const all = await Promise.all(paths.map((path) => lstat(path).catch(() => null)))
        for (const [index, stats] of all.entries()) {
          if (stats?.isDirectory()) folders.push(paths[index] ?? root)
          else bytes += stats?.size ?? 0
        }
      }
    }
    return bytes
  }
}
