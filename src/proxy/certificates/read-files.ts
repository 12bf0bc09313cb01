import { open, stat } from 'node:fs/promises'
import type { TlsProblem } from './tls-problem.ts'

/** A file that `tlsOptions` names. */
export interface NamedFile {
  readonly option: FileOption
  /** Where its name stands below `tlsOptions`. */
  readonly path: ReadonlyArray<string | number>
  readonly file: string
  readonly content: Buffer
}

export type FileOption = (typeof fileOptions)[number]

const fileOptions = ['key', 'cert', 'pem', 'pfx', 'ca'] as const
/** Bytes; the authorities of the whole world are a quarter of it. */
const sizeLimit = 1024 * 1024

/** The names of all files in `tlsOptions`, in order. */
export function fileNames(options: Readonly<Record<string, unknown>>): Array<Omit<NamedFile, 'content'>> {
  return fileOptions.flatMap((option) => {
    const value = options[option]
    if (typeof value === 'string') return [{ option, path: [option], file: value }]
    return Array.isArray(value)
      ? value.map((file, index) => ({ option, path: [option, index], file: String(file) }))
      : []
  })
}

/** Reads them all. */
export async function readFiles(
  options: Readonly<Record<string, unknown>>,
): Promise<{ files: NamedFile[]; problems: TlsProblem[] }> {
  const files: NamedFile[] = []
  const problems: TlsProblem[] = []
  for (const named of fileNames(options)) {
    try {
      files.push({ ...named, content: await readLimited(named.file) })
    } catch (error) {
      problems.push({
        path: named.path,
        found: unreadable(named.file, error),
        allowed: 'a file that this user may read',
      })
    }
  }
  return { files, problems }
}

async function readLimited(file: string): Promise<Buffer> {
  const stats = await stat(file)
  if (!stats.isFile()) throw new Error(stats.isDirectory() ? 'it is a folder' : 'it is no regular file')
  if (stats.size > sizeLimit) throw new Error('it has more than 1 MiB')
  const handle = await open(file)
  try {
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

function unreadable(file: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return `no file ${file}`
  if (code === 'EACCES' || code === 'EPERM') return `${file}, which this user may not read`
  return `${file}, which cannot be read: ${code ?? message}`
}
