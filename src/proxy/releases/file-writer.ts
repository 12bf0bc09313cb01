import { link, mkdir, open, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** So many bytes may wait to be written, and so many files may be open. */
const maxPendingBytes = 4 * 1024 * 1024
const maxOpenFiles = 32

/** A file that is being written, from front to back. */
export interface WrittenFile {
  write(chunk: Buffer): void
  end(): void
}

/**
 * Writes the files of a release below one folder, several at a time. Nothing that is there already is touched, and no link is
 * followed: a path that exists is a failure. The first failure is kept, and stops the rest.
 */
export class FileWriter {
  readonly #root: string
  readonly #folders = new Map<string, Promise<void>>()
  readonly #jobs = new Set<Promise<void>>()
  #pendingBytes = 0
  #failure: unknown
  #hasFailed = false
  #wakeReader: () => void = () => {}
  /** What wakes each file that waits for its next bytes. */
  readonly #wakeFiles = new Set<() => void>()

  /** @param root a folder that exists and is empty */
  constructor(root: string) {
    this.#root = root
    this.#folders.set('.', Promise.resolve())
  }

  /** Makes a folder, and those above it, unless they are there. */
  folder(path: string): Promise<void> {
    const known = this.#folders.get(path)
    if (known !== undefined) return known
    const made = this.folder(dirname(path)).then(() => mkdir(join(this.#root, path), { mode: 0o755 }))
    this.#folders.set(path, made)
    made.catch((error: unknown) => this.#fail(error))
    return made
  }

  file(path: string, mode: number, modified: Date | null): WrittenFile {
    const chunks: Buffer[] = []
    let isComplete = false
    let wake = () => {}
    const next = async (): Promise<Buffer | null> => {
      while (chunks.length === 0 && !isComplete && !this.#hasFailed) {
        await new Promise<void>((resolve) => {
          wake = resolve
          this.#wakeFiles.add(wake)
        })
        this.#wakeFiles.delete(wake)
      }
      return chunks.length === 0 || this.#hasFailed ? null : Buffer.concat(chunks.splice(0))
    }
    this.#run(() => this.#write(path, mode, modified, next))
    return {
      write: (chunk) => {
        if (this.#hasFailed) return
        this.#pendingBytes += chunk.length
        chunks.push(chunk)
        wake()
      },
      end: () => {
        isComplete = true
        wake()
      },
    }
  }

  /** A further name for a file that is complete. */
  async hardLink(path: string, target: string): Promise<void> {
    await this.folder(dirname(path))
    await link(join(this.#root, target), join(this.#root, path))
  }

  async symbolicLink(path: string, target: string): Promise<void> {
    await this.folder(dirname(path))
    await symlink(target, join(this.#root, path))
  }

  /** Resolves when there is room for more. @throws what went wrong with a file */
  async room(): Promise<void> {
    while (!this.#hasFailed && (this.#pendingBytes > maxPendingBytes || this.#jobs.size > maxOpenFiles)) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve
      })
    }
    if (this.#hasFailed) throw this.#failure
  }

  /** Resolves when all is written. @throws what went wrong */
  async finished(): Promise<void> {
    await Promise.allSettled([...this.#folders.values(), ...this.#jobs])
    if (this.#hasFailed) throw this.#failure
  }

  /** Writes nothing more; resolves when nothing is under way. */
  async abandon(): Promise<void> {
    this.#fail(new Error('abandoned'))
    await Promise.allSettled([...this.#folders.values(), ...this.#jobs])
  }

  #run(work: () => Promise<void>): void {
    const job = work()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#jobs.delete(job)
        this.#wakeReader()
      })
    this.#jobs.add(job)
  }

  async #write(path: string, mode: number, modified: Date | null, next: () => Promise<Buffer | null>): Promise<void> {
    await this.folder(dirname(path))
    const handle = await open(join(this.#root, path), 'wx', mode)
    try {
      for (let bytes = await next(); bytes !== null; bytes = await next()) {
        await handle.writeFile(bytes)
        this.#pendingBytes -= bytes.length
        this.#wakeReader()
      }
      if (modified !== null) await handle.utimes(modified, modified)
    } finally {
      await handle.close()
    }
  }

  #fail(error: unknown): void {
    if (!this.#hasFailed) this.#failure = error
    this.#hasFailed = true
    this.#wakeReader()
    for (const wake of this.#wakeFiles) wake()
  }
}
