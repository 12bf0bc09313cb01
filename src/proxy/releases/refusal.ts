import { CserviceError } from '../../common/errors.ts'

/** What a release may have at most. */
export interface ReleaseLimits {
  /** Bytes of all files together, as they are unpacked. */
  readonly maxSize: number
  /** Files, folders and links together. */
  readonly maxFiles: number
}

/**
 * Why an archive is not taken. `details` is `{ entry, why }`: `entry` is the name in the archive, null where it is about
 * the archive as a whole.
 */
export function refused(why: string, entry: string | null = null, hint?: string): CserviceError {
  const message = entry === null ? `The archive is refused: ${why}` : `The archive is refused: ${shown(entry)} ${why}`
  return new CserviceError('RELEASE_REFUSED', message, { details: { entry, why }, ...(hint ? { hint } : {}) })
}

export function tooLarge(what: string, entry: string | null = null): CserviceError {
  return new CserviceError('RELEASE_TOO_LARGE', `The release is too large: ${what}`, { details: { entry, why: what } })
}

/** A failure of the disk, as an error that says which; anything else as it is. */
export function toDiskError(error: unknown, what: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  const why = code === undefined ? undefined : diskCodes.get(code)
  if (why === undefined) return error
  return new CserviceError('RELEASE_NOT_WRITTEN', `${what}: ${why} (${message})`, { cause: error })
}

const diskCodes = new Map([
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the quota of the disk is used up'],
  ['EFBIG', 'a file is larger than this process may write'],
  ['EIO', 'the disk has failed'],
  ['EROFS', 'the file system can only be read'],
  ['EACCES', 'this user may not write there'],
  ['EPERM', 'this user may not write there'],
  ['EMFILE', 'too many files are open'],
  ['ENFILE', 'too many files are open'],
  ['ENOENT', 'the staging folder is gone'],
])

/** Names come from outside: quoted, and not endless. */
function shown(entry: string): string {
  return JSON.stringify(entry.length > 200 ? `${entry.slice(0, 199)}…` : entry)
}
