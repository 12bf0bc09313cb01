import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CserviceError } from '../common/errors.ts'
import { goodLevel, packFolder } from '../proxy/releases/pack.ts'
import { receiveBytes } from '../supervisor/control/client-download.ts'
import type { Options } from './options.ts'

export interface PackedRelease {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
}

/**
 * `proxy pack`: a folder that is here is packed here, without a gateway; a version is fetched from it.
 * @param words behind `proxy pack`
 * @throws CserviceError BAD_USAGE, and as `receiveBytes`; then there is no file
 */
export async function fetchRelease(words: readonly string[], options: Options): Promise<PackedRelease> {
  const [source, file, surplus] = words
  if (source === undefined || source === '') throw badUsage('the version or folder is missing')
  if (surplus !== undefined) throw badUsage(`${JSON.stringify(surplus)} is one word too many`)
  if (file === '-') throw badUsage('standard output is taken by the answer: name a file')
  const path = resolve(file ?? `${basename(resolve(source))}.tgz`)
  if (await isFolder(source)) return await writeWhole(path, packFolder(resolve(source), goodLevel))
  const query = new URLSearchParams({ version: source })
  return await writeWhole(path, await receiveBytes(`/pack?${query}`, options))
}

async function isFolder(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => null)
  return stats?.isDirectory() ?? false
}

/** A file that is there already stays as it is, and half a file does not stay. */
async function writeWhole(path: string, bytes: AsyncIterable<Uint8Array>): Promise<PackedRelease> {
  const digest = createHash('sha256')
  const output = createWriteStream(path, { flags: 'wx' })
  let isOurs = false
  output.on('open', () => {
    isOurs = true
  })
  try {
    await pipeline(async function* () {
      for await (const chunk of bytes) {
        digest.update(chunk)
        yield chunk
      }
    }, output)
    return { file: path, bytes: output.bytesWritten, sha256: digest.digest('hex') }
  } catch (error) {
    if (isOurs) await rm(path, { force: true })
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new CserviceError('BAD_USAGE', `${path} is there already`, { hint: 'Name another file.' })
  }
}

function badUsage(why: string): CserviceError {
  return new CserviceError('BAD_USAGE', `proxy pack <version|folder> [file.tgz]: ${why}`, {
    hint: 'cservice help proxy',
  })
}
