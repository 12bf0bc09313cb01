import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CserviceError } from '../errors.ts'

/**
 * The text of a configuration file, a byte-order mark included.
 * @param example how such a file is called, for whoever has named its folder
 * @throws CserviceError CONFIG_NOT_FOUND, or CONFIG_INVALID: not UTF-8
 */
export async function readConfigFile(file: string, example: string): Promise<string> {
  const path = resolve(file)
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw new CserviceError('CONFIG_NOT_FOUND', unreadable(path, error, example), {
      cause: error,
      details: { file: path },
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

function unreadable(path: string, error: unknown, example: string): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ENOTDIR') return `There is no file ${path}`
  if (code === 'EISDIR') return `${path} is a folder: name the file in it, such as ${resolve(path, example)}`
  if (code === 'EACCES' || code === 'EPERM') return `This user may not read ${path}`
  return `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`
}
