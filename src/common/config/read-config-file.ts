import { open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CserviceError } from '../errors.ts'

/** Bytes. No configuration is that large, and to parse it would hold up the service. */
const sizeLimit = 16 * 1024 * 1024

/**
 * The text of a configuration file, a byte-order mark included.
 * @param example how such a file is called, for whoever has named its folder
 * @throws CserviceError CONFIG_NOT_FOUND, or CONFIG_INVALID: not UTF-8, or too large
 */
export async function readConfigFile(file: string, example: string): Promise<string> {
  const path = resolve(file)
  let bytes: Buffer
  try {
    bytes = await readLimited(path)
  } catch (error) {
    throw new CserviceError('CONFIG_NOT_FOUND', unreadable(path, error, example), {
      cause: error,
      details: { file: path },
    })
  }
  if (bytes.length > sizeLimit) {
    throw new CserviceError('CONFIG_INVALID', `${path} has more than ${sizeLimit / 1024 / 1024} MiB`, {
      details: { file: path, problems: [] },
    })
  }
  try {
    // Bytes that are not UTF-8 would be lost for good when promote rewrites the file.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new CserviceError('CONFIG_INVALID', `${path} is not UTF-8 text`, {
      cause: error,
      details: { file: path, problems: [] },
    })
  }
}

/** The file, or as much of it as shows that it is too large. */
async function readLimited(path: string): Promise<Buffer> {
  // A pipe that is open already (/dev/stdin, the /dev/fd/63 of a shell) has somebody at its other end; one in a folder may
  // keep us waiting for ever.
  const isOpen = /^\/(dev|proc)\//.test(path)
  if (!isOpen && (await stat(path)).isFIFO()) throw new Error('it is a pipe')
  const file = await open(path)
  try {
    const chunks: Buffer[] = []
    let length = 0
    while (length <= sizeLimit) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(64 * 1024), 0, 64 * 1024)
      if (bytesRead === 0) break
      chunks.push(buffer.subarray(0, bytesRead))
      length += bytesRead
    }
    return Buffer.concat(chunks)
  } finally {
    await file.close()
  }
}

function unreadable(path: string, error: unknown, example: string): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ENOTDIR') return `There is no file ${path}`
  if (code === 'EISDIR') return `${path} is a folder: name the file in it, such as ${resolve(path, example)}`
  if (code === 'EACCES' || code === 'EPERM') return `This user may not read ${path}`
  return `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`
}
