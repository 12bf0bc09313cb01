import { lstatSync, mkdirSync, readFileSync, type Stats, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { CserviceError } from './errors.ts'

/** In the runtime directory: commands arrive here. */
export const controlSocketName = 'control.sock'
/** In the runtime directory: proxy processes and agents connect here. */
export const channelSocketName = 'channel.sock'
/** `sun_path` has 104 bytes on macOS and the BSDs (108 on Linux), the closing zero among them. */
const socketPathLimit = 104
/** In the runtime directory of root: where a service is that has become another user. */
const moveName = 'moved-to.json'

/**
 * Where the service of a control port keeps its sockets: `$XDG_RUNTIME_DIR/cservice/<port>`, or, where this user has no such
 * directory (it may be unset, or another user's after `su`), `<tmpdir>/cservice-<uid>/<port>`. Creates nothing.
 */
export function runtimeDirectoryPath(port: number): string {
  const base = process.env.XDG_RUNTIME_DIR
  return base && isAbsolute(base) && isOurs(lstat(base)) ? sessionPath(base, port) : temporaryPath(port)
}

/** Every place where a service of this user and port may be: it may have been started with another environment than ours. */
export function runtimeDirectoryCandidates(port: number): string[] {
  return [...new Set([runtimeDirectoryPath(port), temporaryPath(port)])]
}

/**
 * Where a client looks for the service of a control port: directories that this user alone can enter, and the one to which
 * such a service has moved from there, when it became another user.
 */
export function findRuntimeDirectories(port: number): string[] {
  const own = runtimeDirectoryCandidates(port).filter((path) => isPrivateDirectory(path))
  return [...own, ...own.flatMap(moveOf)]
}

/** Whether only its owner can enter it, and nobody else can have put it there. @param owner us, if left out */
export function isPrivateDirectory(path: string, owner = userId()): boolean {
  return [dirname(path), path].every((level) => complaint(level, lstat(level), owner) === null)
}

/**
 * Says in our own runtime directory of a control port that its service is in another user's, so that we find it there.
 * @throws CserviceError UNSAFE_DIRECTORY
 */
export function noteMove(port: number, directory: string): void {
  const note: Move = { directory, owner: lstatSync(directory).uid }
  writeFileSync(join(openRuntimeDirectory(port), moveName), JSON.stringify(note), { mode: 0o600 })
}

/**
 * The runtime directory of a control port, made if it is not there.
 * @throws CserviceError UNSAFE_DIRECTORY when it is not this user's alone, or its path is too long for a socket
 */
export function openRuntimeDirectory(port: number): string {
  const path = runtimeDirectoryPath(port)
  const longest = join(path, channelSocketName)
  if (Buffer.byteLength(longest) >= socketPathLimit) {
    throw new CserviceError(
      'UNSAFE_DIRECTORY',
      `The path of the socket is too long (${socketPathLimit - 1} bytes at most): ${longest}`,
      {
        hint: 'Set XDG_RUNTIME_DIR to a shorter directory of yours.',
      },
    )
  }
  for (const level of [dirname(path), path]) openPrivateDirectory(level)
  return path
}

interface Move {
  readonly directory: string
  readonly owner: number
}

/** What is read here was written by us: nobody else can enter that directory. */
function moveOf(own: string): string[] {
  try {
    const { directory, owner } = JSON.parse(readFileSync(join(own, moveName), 'utf8')) as Move
    return isPrivateDirectory(directory, owner) ? [directory] : []
  } catch {
    return [] // there is none
  }
}

function sessionPath(base: string, port: number): string {
  return join(base, 'cservice', String(port))
}

function temporaryPath(port: number): string {
  // As `os.tmpdir()`, which ignores the environment where the effective user is not the real one (supervisor/privileges.ts).
  const { TMPDIR, TMP, TEMP } = process.env
  return join(TMPDIR || TMP || TEMP || '/tmp', `cservice-${userId()}`, String(port))
}

function openPrivateDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new CserviceError('UNSAFE_DIRECTORY', `The directory ${path} cannot be made: ${(error as Error).message}`, {
        cause: error,
        hint: 'Set XDG_RUNTIME_DIR to a directory that belongs to you.',
      })
    }
  }
  const problem = complaint(path, lstat(path))
  if (problem) throw new CserviceError('UNSAFE_DIRECTORY', problem.message, { hint: problem.hint })
}

/** lstat, not stat: whoever may write in /tmp could have put a link there first. */
function complaint(path: string, stats: Stats | null, owner = userId()): { message: string; hint: string } | null {
  if (stats === null) return { message: `The directory ${path} is not there`, hint: 'Try again.' }
  if (!stats.isDirectory()) {
    const kind = stats.isSymbolicLink() ? 'a symbolic link' : 'not a directory'
    return { message: `${path} is ${kind}`, hint: `Remove it: rm ${path}` }
  }
  if (stats.uid !== owner) {
    return {
      message: `The directory ${path} belongs to user ${stats.uid}, not to you (${owner})`,
      hint: `Have its owner remove it, or set XDG_RUNTIME_DIR to a directory of yours.`,
    }
  }
  if ((stats.mode & 0o077) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
    return { message: `The directory ${path} is open to others (mode ${mode})`, hint: `Close it: chmod 700 ${path}` }
  }
  return null
}

function isOurs(stats: Stats | null): boolean {
  return stats?.uid === userId()
}

function userId(): number {
  return process.geteuid?.() ?? 0
}

function lstat(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null
}
