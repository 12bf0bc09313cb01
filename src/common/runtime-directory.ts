import { lstatSync, mkdirSync, type Stats } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { CserviceError } from './errors.ts'

/** In the runtime directory: commands arrive here. */
export const controlSocketName = 'control.sock'
/** In the runtime directory: proxy processes and agents connect here. */
export const channelSocketName = 'channel.sock'
/** `sun_path` has 104 bytes on macOS and the BSDs (108 on Linux), the closing zero among them. */
const socketPathLimit = 104

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

/** Whether only this user can enter it, and nobody else can have put it there. */
export function isPrivateDirectory(path: string): boolean {
  return [dirname(path), path].every((level) => complaint(level, lstat(level)) === null)
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

function sessionPath(base: string, port: number): string {
  return join(base, 'cservice', String(port))
}

function temporaryPath(port: number): string {
  return join(tmpdir(), `cservice-${userId()}`, String(port))
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
function complaint(path: string, stats: Stats | null): { message: string; hint: string } | null {
  if (stats === null) return { message: `The directory ${path} is not there`, hint: 'Try again.' }
  if (!stats.isDirectory()) {
    const kind = stats.isSymbolicLink() ? 'a symbolic link' : 'not a directory'
    return { message: `${path} is ${kind}`, hint: `Remove it: rm ${path}` }
  }
  if (!isOurs(stats)) {
    return {
      message: `The directory ${path} belongs to user ${stats.uid}, not to you (${userId()})`,
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
