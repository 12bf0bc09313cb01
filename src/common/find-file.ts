import { type Stats, statSync } from 'node:fs'
import { resolve } from 'node:path'

const moduleExtensions = ['', '.js', '.mjs', '.cjs', '.ts']

/**
 * The absolute path of a module of the user: the path as it is, else with an extension, in the first of the folders where
 * there is such a file; null where there is none.
 */
export function findModule(path: string, folders: readonly string[]): string | null {
  return firstOf(path, folders, moduleExtensions, (found) => found.isFile())
}

/** The absolute path of what exists in the first of the folders that has it, or where it would be in the first. */
export function findPath(path: string, folders: readonly string[]): string {
  return firstOf(path, folders, [''], () => true) ?? resolve(folders[0] ?? '.', path)
}

/** The absolute path of a folder, or null where there is none. */
export function findFolder(path: string, folders: readonly string[]): string | null {
  return firstOf(path, folders, [''], (found) => found.isDirectory())
}

function firstOf(
  path: string,
  folders: readonly string[],
  extensions: readonly string[],
  isWanted: (found: Stats) => boolean,
): string | null {
  if (path.includes('\0')) return null
  for (const folder of folders) {
    for (const extension of extensions) {
      const candidate = resolve(folder, `${path}${extension}`)
      const found = statOf(candidate)
      if (found !== null && isWanted(found)) return candidate
    }
  }
  return null
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path)
  } catch {
    return null // whatever keeps us from seeing it would keep Node from running it
  }
}
