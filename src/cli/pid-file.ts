import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { CserviceError } from '../common/errors.ts'

/**
 * Writes the pid of this process, in one step, so that nobody reads half of it. The function that comes back removes the
 * file, unless it has become another's.
 * @throws CserviceError BAD_USAGE when it cannot be written
 */
export function writePidFile(path: string): () => void {
  const content = `${process.pid}\n`
  const draft = `${path}.${process.pid}`
  try {
    writeFileSync(draft, content, { flag: 'wx' })
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw new CserviceError('BAD_USAGE', `The pid file ${path} cannot be written: ${(error as Error).message}`, {
      cause: error,
    })
  }
  const remove = () => {
    process.off('exit', remove)
    try {
      if (readFileSync(path, 'utf8') === content) rmSync(path, { force: true })
    } catch {
      // removed by somebody else
    }
  }
  process.on('exit', remove) // also when the service ends in a way that nobody planned
  return remove
}
