import { access, stat } from 'node:fs/promises'
import { CserviceError } from '../../common/errors.ts'
import type { Launch } from '../launch.ts'
import type { WorkerEntry } from './worker-entry.ts'

/**
 * What to run for one worker of a plain service.
 * @throws CserviceError WORKER_FAILED when its file or its folder has gone; the system's own words would name another file
 */
export async function prepareEntryLaunch(entry: WorkerEntry): Promise<Launch> {
  const { name, file, cwd, args, env, uid, gid, isSilent } = entry
  const isFolder = await stat(cwd).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
  if (!isFolder) throw new CserviceError('WORKER_FAILED', `${name}: there is no folder ${cwd}`)
  await access(file).catch((cause: unknown) => {
    throw new CserviceError('WORKER_FAILED', `${name}: there is no file ${file}`, { cause })
  })
  return {
    file,
    kind: 'cluster',
    entry,
    args,
    cwd,
    env: { ...env, CSERVICE_WORKER: name },
    isSilent,
    waitsFor: 'load',
    ...(uid === null ? {} : { uid }),
    ...(gid === null ? {} : { gid }),
  }
}
