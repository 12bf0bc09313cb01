import { Parser, type ReadEntry } from 'tar'
import { toCserviceError } from '../../common/errors.ts'
import { ArchiveBytes } from './archive-bytes.ts'
import { ArchiveFraming } from './archive-framing.ts'
import { checkLinks, checkLinkTarget } from './entry-links.ts'
import { checkEntryName, EntryNames } from './entry-names.ts'
import { FileWriter } from './file-writer.ts'
import { type ReleaseLimits, refused, toDiskError, tooLarge } from './refusal.ts'

/** What has been unpacked. */
export interface Unpacked {
  /** `package` where everything lies in there, as `npm pack` makes it; else empty. */
  readonly prefix: string
  /** Files, links among them. */
  readonly files: number
  readonly bytes: number
  /** Of the archive as it came, in hex. */
  readonly sha256: string
}

export interface UnpackOptions {
  readonly limits: ReleaseLimits
  /** The digest that the archive must have, in hex. */
  readonly sha256?: string | null
  readonly signal: AbortSignal
}

/**
 * Unpacks an archive (tar, also in gzip) into an empty folder, and refuses the whole of it for whatever is not a plain file,
 * a folder, or a link that stays inside. Every name is judged before it is written; links are made when all files are there,
 * so that nothing can be written through one. Files get mode 644 or 755 and this process as their owner. After a failure the
 * folder may hold a part.
 * @throws CserviceError RELEASE_REFUSED, RELEASE_TOO_LARGE, RELEASE_NOT_WRITTEN; whatever the source throws
 */
export async function unpack(
  source: AsyncIterable<Uint8Array>,
  folder: string,
  options: UnpackOptions,
): Promise<Unpacked> {
  const unpacking = new Unpacking(folder, options)
  try {
    return await unpacking.run(source)
  } catch (error) {
    await unpacking.abandon()
    throw toDiskError(error, 'The release could not be unpacked')
  }
}

class Unpacking {
  readonly #options: UnpackOptions
  readonly #writer: FileWriter
  readonly #framing: ArchiveFraming
  readonly #names = new EntryNames()
  readonly #symbolicLinks = new Map<string, string>()
  readonly #hardLinks: Array<readonly [path: string, target: string]> = []
  #failure: unknown = null
  #files = 0

  constructor(folder: string, options: UnpackOptions) {
    this.#options = options
    this.#writer = new FileWriter(folder)
    this.#framing = new ArchiveFraming(options.limits)
  }

  async run(source: AsyncIterable<Uint8Array>): Promise<Unpacked> {
    const { limits, sha256, signal } = this.#options
    const maxBytes = limits.maxSize + (limits.maxFiles + 1_024) * 2_048
    const bytes = new ArchiveBytes(source, maxBytes)
    await this.#read(bytes.tar(), maxBytes, signal)
    const digest = bytes.sha256()
    if (sha256 && sha256.toLowerCase() !== digest)
      throw refused(
        `its SHA-256 is ${digest}, and not ${sha256.toLowerCase()}`,
        null,
        'It was changed on its way, or is another one.',
      )
    await this.#writer.finished()
    // A link of that name is none: it would become the version itself.
    const isPacked = this.#names.roots.join() === 'package' && this.#names.kindOf('package') === 'folder'
    const prefix = isPacked ? 'package' : ''
    await this.#makeLinks(prefix)
    return { prefix, files: this.#files, bytes: this.#framing.size, sha256: digest }
  }

  /** Nothing is written any more. */
  async abandon(): Promise<void> {
    await this.#writer.abandon()
  }

  async #read(tar: AsyncIterable<Buffer>, maxBytes: number, signal: AbortSignal): Promise<void> {
    const parser = this.#openParser()
    let count = 0
    let held: Buffer[] = []
    for await (const chunk of tar) {
      signal.throwIfAborted()
      count += chunk.length
      if (count > maxBytes) throw tooLarge(`the archive has more than ${maxBytes} bytes`)
      this.#framing.push(chunk)
      held.push(chunk)
      // An extended header that comes in two pieces would be read as two texts, a letter between them as none.
      if (!this.#framing.isReadable) continue
      parser.write(held.length === 1 ? chunk : Buffer.concat(held))
      held = []
      if (this.#failure !== null) throw this.#failure
      await this.#writer.room()
    }
    this.#framing.end()
    parser.end()
    if (this.#failure !== null) throw this.#failure
  }

  #openParser(): Parser {
    const parser = new Parser({
      strict: true,
      zstd: false,
      brotli: false,
      maxDecompressionRatio: Number.POSITIVE_INFINITY, // it unpacks nothing
      filter: (_path, entry) => this.#tries(() => this.#take(entry as ReadEntry)),
    })
    parser.on('entry', (entry: ReadEntry) => this.#writeFile(entry))
    parser.on('error', (error: Error) => {
      this.#failure ??= refused(`it is damaged (${error.message})`)
    })
    return parser
  }

  /** What went wrong is kept, and nothing more is written: the parser has no way out of its middle. */
  #tries(work: () => boolean): boolean {
    if (this.#failure !== null) return false
    try {
      return work()
    } catch (error) {
      this.#failure = toCserviceError(error)
      return false
    }
  }

  /** Judges an entry before anything of it is written. @returns whether it has content to write */
  #take(entry: ReadEntry): boolean {
    if (this.#framing.takeSize() !== entry.size) throw refused('can be read in two ways', entry.path)
    if (((entry.mode ?? 0) & 0o7000) !== 0) throw refused('has a setuid, setgid or sticky bit', entry.path)
    const path = checkEntryName(entry.path)
    if (path === '') {
      if (entry.type === 'Directory') return false
      throw refused('has no name', entry.path)
    }
    const isLink = entry.type === 'SymbolicLink'
    this.#names.add(path, isLink ? 'link' : entry.type === 'Directory' ? 'folder' : 'file')
    const { maxFiles } = this.#options.limits
    if (this.#names.count > maxFiles) throw tooLarge(`it has more than ${maxFiles} files, folders and links`)
    switch (entry.type) {
      case 'Directory':
        void this.#writer.folder(path).catch(() => {}) // `finished` tells
        return false
      case 'SymbolicLink':
        this.#takeSymbolicLink(path, entry.linkpath ?? '')
        return false
      case 'Link':
        this.#takeHardLink(path, entry.linkpath ?? '')
        return false
      case 'File':
      case 'OldFile':
        this.#files++
        return true
      default:
        throw refused('is neither a file, nor a folder, nor a link', entry.path)
    }
  }

  #takeSymbolicLink(path: string, target: string): void {
    checkLinkTarget(path, target)
    this.#symbolicLinks.set(path, target)
    this.#files++
  }

  #takeHardLink(path: string, name: string): void {
    const target = checkEntryName(name)
    if (target === path || this.#names.kindOf(target) !== 'file')
      throw refused(`is a hard link to ${JSON.stringify(name)}, which is no file before it`, path)
    this.#hardLinks.push([path, target])
    this.#files++
  }

  #writeFile(entry: ReadEntry): void {
    const path = checkEntryName(entry.path)
    const mode = ((entry.mode ?? 0o644) & 0o111) === 0 ? 0o644 : 0o755
    const file = this.#writer.file(path, mode, isTime(entry.mtime) ? entry.mtime : null)
    entry.on('data', (chunk: Buffer) => file.write(chunk))
    entry.on('end', () => file.end())
  }

  async #makeLinks(prefix: string): Promise<void> {
    checkLinks(this.#symbolicLinks, prefix)
    for (const [path, target] of this.#hardLinks) await this.#writer.hardLink(path, target)
    for (const [path, target] of this.#symbolicLinks) await this.#writer.symbolicLink(path, target)
  }
}

function isTime(time: Date | undefined): time is Date {
  return time !== undefined && !Number.isNaN(time.getTime())
}
