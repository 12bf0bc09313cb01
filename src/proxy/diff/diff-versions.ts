import { join } from 'node:path'
import { isSameContent } from './is-same-content.ts'
import { type FileFacts, listFiles } from './list-files.ts'
import { type DependencyChange, packageChanges, readPackage } from './package-changes.ts'

/** So many paths and dependencies are named at most, of each kind. */
const shownAtMost = 200

export interface DiffedFile {
  readonly path: string
  /** Bytes; null: it is not there. */
  readonly from: number | null
  readonly to: number | null
}

interface Part<Item> {
  /** All of them, also those that are not shown. */
  readonly count: number
  readonly shown: readonly Item[]
}

/** What differs between two versions. JSON-safe and bounded, whatever the size of the versions. */
export interface VersionDiff {
  readonly from: string
  readonly to: string
  readonly added: Part<DiffedFile>
  readonly removed: Part<DiffedFile>
  /** Other content, another target of a link, or executable in one of them only. */
  readonly changed: Part<DiffedFile>
  /** Files in folders `node_modules`, of which no names are given. */
  readonly nodeModules: { readonly added: number; readonly removed: number; readonly changed: number }
  readonly same: number
  readonly dependencies: Part<DependencyChange>
  /** `version` of package.json. */
  readonly packageVersions: readonly [from: string | null, to: string | null]
}

/**
 * Compares two versions file by file, by content.
 * @throws the error of the system; CserviceError COMMAND_FAILED: there are too many files
 */
export async function diffVersions(versionPath: string, from: string, to: string): Promise<VersionDiff> {
  const [before, after] = [join(versionPath, from), join(versionPath, to)]
  const [oldFiles, newFiles] = [await listFiles(before), await listFiles(after)]
  const added: DiffedFile[] = []
  const removed: DiffedFile[] = []
  const changed: DiffedFile[] = []
  let same = 0
  for (const path of new Set([...oldFiles.keys(), ...newFiles.keys()])) {
    const [old, now] = [oldFiles.get(path), newFiles.get(path)]
    const file = { path, from: old?.size ?? null, to: now?.size ?? null }
    if (!old) added.push(file)
    else if (!now) removed.push(file)
    else if (await isSame(join(before, path), old, join(after, path), now)) same++
    else changed.push(file)
  }
  const [oldPackage, newPackage] = [await readPackage(before), await readPackage(after)]
  return {
    from,
    to,
    added: partOf(added.filter(isOwn).sort(byPath)),
    removed: partOf(removed.filter(isOwn).sort(byPath)),
    changed: partOf(changed.filter(isOwn).sort(byPath)),
    nodeModules: { added: countOthers(added), removed: countOthers(removed), changed: countOthers(changed) },
    same,
    dependencies: partOf(packageChanges(oldPackage, newPackage)),
    packageVersions: [textOf(oldPackage.version), textOf(newPackage.version)],
  }
}

async function isSame(before: string, old: FileFacts, after: string, now: FileFacts): Promise<boolean> {
  if (old.size !== now.size || old.isExecutable !== now.isExecutable || old.link !== now.link) return false
  return old.link !== null || (await isSameContent(before, after))
}

function isOwn({ path }: DiffedFile): boolean {
  return !/(^|\/)node_modules\//.test(path)
}

function countOthers(files: readonly DiffedFile[]): number {
  return files.filter((file) => !isOwn(file)).length
}

function byPath(a: DiffedFile, b: DiffedFile): number {
  return a.path < b.path ? -1 : 1
}

function partOf<Item>(items: readonly Item[]): Part<Item> {
  return { count: items.length, shown: items.slice(0, shownAtMost) }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
