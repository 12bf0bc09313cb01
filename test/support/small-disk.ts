import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, realpathSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OnFinish, onTestFinish } from './on-finish.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface SmallDisk {
  readonly path: string
  /** Takes what is free, to the last byte. */
  fill(): void
  /** Gives back what `fill` has taken. */
  free(): void
}

/** Whether this user may mount one. */
export const canMount = process.platform === 'linux' && process.geteuid?.() === 0 && tryMount()

/**
 * A file system of its own, in memory, with so many bytes; empty. Unmounted when the test is over: to be made before what uses it,
 * since what comes last is undone first.
 */
export function smallDisk(bytes: number, onFinish: OnFinish = onTestFinish): SmallDisk {
  const path = temporaryFolder(onFinish)
  mount(path, bytes)
  onFinish(() => void spawnSync('umount', ['-l', path]))
  const filler = join(path, '.filler')
  return {
    path,
    fill: () => {
      const file = openSync(filler, 'a')
      try {
        for (const length of [65_536, 1]) writeUntilFull(file, Buffer.alloc(length))
      } finally {
        closeSync(file)
      }
    },
    free: () => rmSync(filler),
  }
}

function writeUntilFull(file: number, piece: Buffer): void {
  try {
    for (;;) writeSync(file, piece)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}

function tryMount(): boolean {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'cservice-test-'))
  try {
    mount(path, 65_536)
    return spawnSync('umount', [path]).status === 0
  } catch {
    return false
  } finally {
    rmdirSync(path)
  }
}

function mount(path: string, bytes: number): void {
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'cservice-test', path])
  if (status !== 0) throw new Error(`mount said: ${stderr}`)
}
