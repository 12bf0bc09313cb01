import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Puts this package at `folder`, as if it were installed there.
 * @param isCopy for programs that run as other users: ours may lie where they cannot look
 */
export function install(folder: string, isCopy: boolean): void {
  if (!isCopy) {
    symlinkSync(root, folder)
    return
  }
  mkdirSync(folder)
  for (const name of ['dist', 'package.json']) cpSync(join(root, name), join(folder, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
}
