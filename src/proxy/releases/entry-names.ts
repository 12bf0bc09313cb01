import { refused } from './refusal.ts'

export type EntryKind = 'file' | 'folder' | 'link'

const maxPathBytes = 1_024
const maxSegmentBytes = 255
// Those of ISO 8859 (C1) as well: to a terminal \u009b is what an escape and a bracket are.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/

interface KnownEntry {
  readonly path: string
  readonly kind: EntryKind
  /** It stands in the archive itself, not only as the folder of another entry. */
  readonly isStated: boolean
}

/**
 * The name of an entry as a path below the release, without `.` and doubled slashes; empty for the release itself.
 * @throws CserviceError RELEASE_REFUSED: absolute, with `..`, too long, or with what no name should have
 */
export function checkEntryName(name: string): string {
  if (name.startsWith('/')) throw refused('is an absolute path', name)
  if (controlCharacter.test(name)) throw refused('has a control character in its name', name)
  if (name.includes('\ufffd')) throw refused('has a name that is not UTF-8', name)
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.')
  if (segments.includes('..')) throw refused('leads out of the release (..)', name)
  const path = segments.join('/')
  if (Buffer.byteLength(path) > maxPathBytes) throw refused(`has a path longer than ${maxPathBytes} bytes`, name)
  if (segments.some((segment) => Buffer.byteLength(segment) > maxSegmentBytes))
    throw refused(`has a name longer than ${maxSegmentBytes} bytes`, name)
  return path
}

/** Equal for names that some file system takes for the same. */
export function pathKey(path: string): string {
  return path.normalize('NFD').toUpperCase().toLowerCase().normalize('NFD')
}

/**
 * Every path of a release and what is there, so that no two entries meet: neither here nor on a file system that knows no
 * case (macOS, Windows) or another normal form of Unicode.
 */
export class EntryNames {
  readonly #known = new Map<string, KnownEntry>()

  get count(): number {
    return this.#known.size
  }

  kindOf(path: string): EntryKind | undefined {
    const known = this.#known.get(pathKey(path))
    return known?.path === path ? known.kind : undefined
  }

  /**
   * Takes an entry in.
   * @param path as `checkEntryName` gives it
   * @throws CserviceError RELEASE_REFUSED: it is there already, or collides, or lies behind a link or a file
   */
  add(path: string, kind: EntryKind): void {
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      this.#addFolderOf(path, path.slice(0, slash))
    }
    const key = pathKey(path)
    const known = this.#known.get(key)
    if (known !== undefined) {
      refuseCollision(path, known)
      if (known.isStated) throw refused('stands in it twice', path)
      if (kind !== 'folder') throw refused(`is a ${kind}, and a folder as well`, path)
    }
    this.#known.set(key, { path, kind, isStated: true })
  }

  /** The names of the first level. */
  get roots(): string[] {
    return [...this.#known.values()].map(({ path }) => path).filter((path) => !path.includes('/'))
  }

  #addFolderOf(path: string, folder: string): void {
    const key = pathKey(folder)
    const known = this.#known.get(key)
    if (known === undefined) {
      this.#known.set(key, { path: folder, kind: 'folder', isStated: false })
      return
    }
    refuseCollision(folder, known)
    if (known.kind === 'link') throw refused(`would be written through the link ${JSON.stringify(folder)}`, path)
    if (known.kind === 'file') throw refused(`lies in ${JSON.stringify(folder)}, which is a file`, path)
  }
}

function refuseCollision(path: string, known: KnownEntry): void {
  if (known.path === path) return
  throw refused(`differs from ${JSON.stringify(known.path)} only in case or in its form of Unicode`, path)
}
