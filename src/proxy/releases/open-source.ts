import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { CserviceError } from '../../common/errors.ts'
import { fastLevel, packFolder } from './pack.ts'

/** Where a release comes from, before any of it is read. */
export interface ReleaseSource {
  /** Of the file or folder; null: it has none. */
  readonly name: string | null
  /** Of the bytes; null: it is not known beforehand. */
  readonly size: number | null
  open(): Readable
}

/**
 * A tarball, a folder, which is packed as it is read, or `-` for standard input.
 * @throws CserviceError BAD_USAGE when there is no such thing
 */
export async function findSource(source: string, stdin: Readable | null): Promise<ReleaseSource> {
  if (source === '-') {
    if (stdin === null) throw new CserviceError('BAD_USAGE', 'There is no standard input here: name a file or a folder')
    return { name: null, size: null, open: () => stdin }
  }
  const path = resolve(source)
  const stats = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const why =
      cause.code === 'ENOENT' ? `There is no file or folder ${path}` : `${path} cannot be read: ${cause.message}`
    throw new CserviceError('BAD_USAGE', why, { cause })
  })
  const name = basename(path)
  if (stats.isDirectory()) {
    return { name, size: null, open: () => Readable.from(packFolder(path, fastLevel), { objectMode: false }) }
  }
  if (!stats.isFile()) return { name, size: null, open: () => createReadStream(path) }
  // What is written behind that meanwhile does not count.
  const whole = { end: Math.max(0, stats.size - 1), highWaterMark: 256 * 1024 }
  return { name, size: stats.size, open: () => createReadStream(path, whole) }
}
