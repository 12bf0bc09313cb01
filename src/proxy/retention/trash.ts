import { randomUUID } from 'node:crypto'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Hidden: the catalog does not take it for a version. */
const prefix = '.trash-'

/**
 * Takes a version out of its folder, at once and for good: under another, hidden name, from which it is deleted later.
 * @returns that name, as a path
 * @throws the error of the system; then the version is where it was
 */
export async function throwAway(versionPath: string, version: string): Promise<string> {
  const trash = join(versionPath, `${prefix}${version.slice(0, 80)}-${randomUUID()}`)
  await rename(join(versionPath, version), trash)
  const handle = await open(versionPath, 'r').catch(() => null)
  await handle?.sync().catch(() => {})
  await handle?.close()
  return trash
}

/** Deletes a folder with all that is in it; of a link the link alone. */
export async function deleteForGood(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 })
}

/** What a crash has left: thrown away, and not deleted. */
export async function leftovers(versionPath: string): Promise<string[]> {
  const names = await readdir(versionPath).catch(() => [])
  const ours = /^\.trash-.+-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
  return names.filter((name) => ours.test(name)).map((name) => join(versionPath, name))
}
