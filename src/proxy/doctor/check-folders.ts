import { stat, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { describeForbidden, findForbidden } from '../forbidden-paths.ts'
import { type Finding, Findings } from './finding.ts'
import type { Subject } from './subject.ts'

const mebibyte = 1024 * 1024
/** Journal, rewritten proxy.json and logs of installs need little; a release needs more. */
const leastSpace = 20 * mebibyte
const littleSpace = 500 * mebibyte

/** A file system, as far as it matters. */
export interface Disk {
  readonly path: string
  /** Bytes for this user. */
  readonly free: number
  /** Files that can still be made; null: it does not say. */
  readonly freeFiles: number | null
}

export interface OwnedPath {
  readonly path: string
  readonly mode: number
  readonly uid: number
  /** Whether it holds secrets of ours. */
  readonly isSecret: boolean
}

/** Pure. */
export function judgeDisk({ path, free, freeFiles }: Disk, findings: Findings): void {
  const room = `${Math.floor(free / mebibyte)} MiB`
  if (free < leastSpace)
    findings.problem(`${path} has ${room} left on its disk`, 'Make room: a promote must be able to rewrite proxy.json.')
  else if (free < littleSpace)
    findings.warning(
      `${path} has ${room} left on its disk`,
      'Make room, or have old versions removed (retain in proxy.json).',
    )
  if (freeFiles !== null && freeFiles < 1_000)
    findings.problem(`the disk of ${path} can take ${freeFiles} more files`, 'Remove files: it is out of inodes.')
}

/** Who else may change or read it. Pure. @param us the number of this user */
export function judgeOwner({ path, mode, uid, isSecret }: OwnedPath, us: number, findings: Findings): void {
  if ((mode & 0o002) !== 0)
    findings.warning(`every user of this machine may write ${path}`, `Close it: chmod o-w ${path}`)
  if (isSecret && (mode & 0o004) !== 0)
    findings.warning(`every user of this machine may read ${path}, which holds a secret`, `Close it: chmod o-r ${path}`)
  if (uid !== us && uid !== 0 && us !== 0)
    findings.note(`${path} belongs to user ${uid}, and this is user ${us}: that user can change what runs here`)
}

export async function checkFolders({ config }: Subject): Promise<Finding[]> {
  const findings = new Findings('folders')
  for (const forbidden of await findForbidden(config)) {
    const user = `user ${process.geteuid?.()}`
    const advice = `Give it to the user of the gateway (chown), or run the doctor as that user: this is ${user}.`
    if (forbidden.isEssential) findings.problem(describeForbidden(forbidden), advice)
    else findings.warning(describeForbidden(forbidden), advice)
  }
  const { file, versionPath } = config
  const folders = [...new Set([dirname(file), versionPath])]
  for (const path of folders) {
    const disk = await statfs(path).catch(() => null)
    if (disk === null) continue
    const freeFiles = disk.files > 0 ? disk.ffree : null
    judgeDisk({ path, free: disk.bavail * disk.bsize, freeFiles }, findings)
  }
  const hasKeys = config.access.previews.length > 0
  for (const path of [file, ...folders, join(dirname(file), '.cservice', 'pin.key')]) {
    const stats = await stat(path).catch(() => null)
    const isSecret = (path === file && hasKeys && 'previewKey' in config.raw) || path.endsWith('pin.key')
    if (stats !== null)
      judgeOwner({ path, mode: stats.mode, uid: stats.uid, isSecret }, process.geteuid?.() ?? 0, findings)
  }
  if (await ignoresCase(file))
    findings.note(
      `the disk of ${dirname(file)} does not tell V1 from v1: give versions names that differ in more than case`,
    )
  return findings.end(`${versionPath} and ${basename(file)} can be used`)
}

async function ignoresCase(path: string): Promise<boolean> {
  const name = basename(path)
  const other = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase()
  const [own, found] = await Promise.all(
    [stat(path), stat(join(dirname(path), other))].map((wait) => wait.catch(() => null)),
  )
  return other !== name && own != null && found != null && own.ino === found.ino && own.dev === found.dev
}
