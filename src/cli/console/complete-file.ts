import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/**
 * The files and folders that a path may become; folders end in a slash. Names that the command line could not carry as
 * they are come only after a quotation mark.
 * @param typed the beginning of a path, with the quotation mark before it, if there is one
 */
export async function completeFile(typed: string): Promise<string[]> {
  const isQuoted = typed.startsWith('"')
  const path = isQuoted ? typed.slice(1) : typed
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  const beginning = path.slice(folder.length)
  const names = await namesIn(resolve(folder))
  const fitting = names.filter((name) => isOffered(name, beginning) && (isQuoted || !/[\s"\\{[]/.test(name)))
  return await Promise.all(
    fitting.map(async (name) => {
      const isFolder = await isDirectory(join(resolve(folder), name))
      return `${isQuoted ? '"' : ''}${folder}${name}${isFolder ? '/' : isQuoted ? '"' : ''}`
    }),
  )
}

function isOffered(name: string, beginning: string): boolean {
  return name.startsWith(beginning) && (beginning.startsWith('.') || !name.startsWith('.')) && name !== 'node_modules'
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch {
    return []
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}
