import type { Dirent, Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CserviceError } from '../../common/errors.ts'

/** For a release that is sent at once; an archive that is kept is packed better. */
export const fastLevel = 1
export const goodLevel = 6

/**
 * The folder as a tarball (gzip): sorted, with the times of its files and nobody's name, so that the same folder always makes
 * the same bytes. Begins to read when it is read.
 * @param level of gzip
 * @throws CserviceError RELEASE_REFUSED for what no release may hold; whatever the disk says
 */
export async function* packFolder(folder: string, level: number): AsyncGenerator<Uint8Array> {
  const { Pack } = await import('tar') // few need it
  const names = await namesIn(folder)
  const pack = new Pack({ cwd: folder, portable: true, gzip: { level }, noDirRecurse: true, strict: true })
  for (const name of names) pack.add(name)
  pack.end()
  for await (const chunk of pack as AsyncIterable<Uint8Array>) yield chunk
}

/** Every file and link below it, and the folders that would be lost without an entry. */
async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const filled = new Set(entries.map(({ parentPath }) => parentPath))
  const names = entries
    .filter((entry) => !entry.isDirectory() || !filled.has(join(entry.parentPath, entry.name)))
    .map((entry) => ({ entry, name: join(entry.parentPath, entry.name).slice(join(folder, '/').length) }))
  for (const { entry, name } of names) refuseOther(entry, name)
  return names.map(({ name }) => name).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

function refuseOther(entry: Dirent | Stats, name: string): void {
  if (entry.isFile() || entry.isDirectory() || entry.isSymbolicLink()) return
  throw new CserviceError(
    'RELEASE_REFUSED',
    `${name} is neither a file, nor a folder, nor a link, and cannot be packed`,
  )
}

/** @throws CserviceError BAD_USAGE: there is none */
export async function requireFolder(folder: string): Promise<void> {
  const stats = await lstat(join(folder, '.')).catch(() => null)
  if (!stats?.isDirectory()) throw new CserviceError('BAD_USAGE', `There is no folder ${folder}`)
}
