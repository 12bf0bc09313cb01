import { randomUUID } from 'node:crypto'
import { lstatSync, mkdirSync, readFileSync } from 'node:fs'
import { link, unlink, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { CserviceError } from '../../common/errors.ts'

/**
 * A folder of this user for what outlives the service: `$XDG_STATE_HOME/cservice/<name>`, or `~/.local/state/cservice/<name>`.
 * Made if it is not there.
 * @throws CserviceError LOCAL_AUTHORITY_FAILED when it cannot be made, or others may enter it
 */
export function openStateFolder(name: string): string {
  const { XDG_STATE_HOME: base } = process.env
  const folder = join(base && isAbsolute(base) ? base : join(homedir(), '.local', 'state'), 'cservice', name)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw failed(`The folder ${folder} cannot be made: ${(error as Error).message}`, error)
  }
  const stats = lstatSync(folder)
  if (!stats.isDirectory()) throw failed(`${folder} is no folder of its own`)
  if (stats.uid !== process.geteuid?.()) throw failed(`The folder ${folder} belongs to another user (${stats.uid})`)
  if ((stats.mode & 0o077) !== 0) throw failed(`The folder ${folder} is open to others: chmod 700 ${folder}`)
  return folder
}

/** Replaces a file all at once, unless it says this already. */
export async function replaceWhole(file: string, text: string, mode: number): Promise<void> {
  if (isSame(file, text)) return
  await writeFileAtomic(file, text, { mode })
}

/** Creates a file all at once; one that is there already stays as it is. */
export async function createWhole(file: string, text: string, mode: number): Promise<void> {
  const temporary = `${file}.${randomUUID()}`
  await writeFile(temporary, text, { mode })
  try {
    await link(temporary, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await unlink(temporary)
  }
}

function isSame(file: string, text: string): boolean {
  try {
    return readFileSync(file, 'utf8') === text
  } catch {
    return false
  }
}

function failed(message: string, cause?: unknown): CserviceError {
  return new CserviceError('LOCAL_AUTHORITY_FAILED', message, { cause })
}
