import { createHash, randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { startTimeOf } from '../../common/channel-client.cts'
import { CserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { toDiskError } from './refusal.ts'

const folderName = '.staging'
/** Of another machine on a shared disk, whose processes cannot be seen from here. */
const foreignAge = 24 * 60 * 60 * 1_000

/** A folder beside the versions, on their file system, in which one release is made ready. Nobody looks into it but us. */
export interface Staging {
  readonly path: string
  /** Takes it away with all that is in it; what cannot be taken away now is at the next start of a gateway. */
  remove(): Promise<void>
}

/** @throws CserviceError RELEASE_NOT_WRITTEN */
export async function openStaging(versionPath: string, log: Log): Promise<Staging> {
  const parent = join(versionPath, folderName)
  const path = join(parent, `deploy-${ownMark()}-${randomBytes(8).toString('hex')}`)
  try {
    await makeInside(parent, path)
  } catch (error) {
    throw toDiskError(error, `No staging folder could be made in ${versionPath}`)
  }
  return {
    path,
    remove: async () => {
      await removeWhole(path, log)
      await rmdir(parent).catch(() => {}) // others are at work in it
    },
  }
}

/** Takes away what deploys have left behind that did not live to do it themselves. Touches nothing that others have put there. */
export async function cleanStaging(versionPath: string, log: Log): Promise<void> {
  const left = await findStagingLeftovers(versionPath)
  for (const path of left) {
    log.info({ path }, 'a deploy that was broken off is cleared away')
    await removeWhole(path, log)
  }
  await rmdir(join(versionPath, folderName)).catch(() => {}) // it is not there, or others are at work in it
}

/** What deploys have left behind that were broken off. */
export async function findStagingLeftovers(versionPath: string): Promise<string[]> {
  const parent = join(versionPath, folderName)
  const names = await readdir(parent).catch(() => [])
  const left = await Promise.all(names.map((name) => isLeftBehind(name, join(parent, name))))
  return names.filter((_, index) => left[index]).map((name) => join(parent, name))
}

/** Another deploy may take the parent away, when it leaves, in the moment between. */
async function makeInside(parent: string, path: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await mkdir(parent, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    // A link there would lead everything elsewhere.
    const stats = await lstat(parent).catch(() => null)
    if (stats !== null && !stats.isDirectory()) throw new CserviceError('RELEASE_NOT_WRITTEN', `${parent} is no folder`)
    try {
      return await mkdir(path, { mode: 0o700 })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 5) throw error
    }
  }
}

async function removeWhole(path: string, log: Log): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) => {
    log.warn({ err: error, path }, 'a staging folder could not be cleared away; the next start tries again')
  })
}

/** Whether its name is one of ours, and the process that it names is gone, or is this one, which has only begun. */
async function isLeftBehind(name: string, path: string): Promise<boolean> {
  const match = /^deploy-([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{16}$/.exec(name)
  const stats = await lstat(path).catch(() => null)
  if (match === null || !stats?.isDirectory()) return false
  const [, host, pid, startTime] = match
  if (host !== ownHost()) return Date.now() - stats.mtimeMs > foreignAge
  return !isRunning(Number(pid), startTime ?? '')
}

function ownMark(): string {
  return `${ownHost()}-${process.pid}-${startTimeOf(process.pid) ?? 0}`
}

function ownHost(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
}

function isRunning(pid: number, startTime: string): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return (startTimeOf(pid) ?? '0') === startTime
}
