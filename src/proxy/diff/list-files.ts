import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { CserviceError } from '../../common/errors.ts'

/** One file of a version; `link` is where a symbolic link leads, which is not followed. */
export interface FileFacts {
  readonly size: number
  readonly isExecutable: boolean
  readonly link: string | null
}

/** Files of a version that are compared at most: more than any `node_modules` that anybody has seen. */
const mostFiles = 500_000
const concurrency = 8

/**
 * Every file below a folder by its relative path, with `/` between its parts. Folders are not listed.
 * @throws the error of the system; CserviceError COMMAND_FAILED: there are too many
 */
export async function listFiles(root: string): Promise<Map<string, FileFacts>> {
  const files = new Map<string, FileFacts>()
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const names = (await readdir(join(root, folder))).map((name) => (folder === '' ? name : `${folder}/${name}`))
    for (let start = 0; start < names.length; start += concurrency) {
      const paths = names.slice(start, start + concurrency)
      const all = await Promise.all(paths.map((path) => factsOf(join(root, path))))
      for (const [index, path] of paths.entries()) {
        const facts = all[index]
        if (facts === 'folder') folders.push(path)
        else if (facts) files.set(path, facts)
      }
    }
    if (files.size > mostFiles) throw new CserviceError('COMMAND_FAILED', `${root} has more than ${mostFiles} files`)
  }
  return files
}

async function factsOf(path: string): Promise<FileFacts | 'folder'> {
  const stats = await lstat(path)
  if (stats.isDirectory()) return 'folder'
  return {
    size: stats.size,
    isExecutable: (stats.mode & 0o111) !== 0,
    link: stats.isSymbolicLink() ? await readlink(path) : null,
  }
}
