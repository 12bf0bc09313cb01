// What a run leaves behind when it is interrupted: programs and folders. Both are dealt with in turn when it ends by itself.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const children = new Set()
const folders = new Set()

/** Ends this program with it, if it still runs then. */
export function track(child) {
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

/** A folder of our own, gone at the end. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'cservice-bench-'))
  folders.add(folder)
  return folder
}

export function endOnSignals() {
  process.on('exit', () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, async () => {
      const ends = [...children].map((child) => new Promise((resolve) => child.once('exit', resolve)))
      for (const child of children) child.kill('SIGTERM')
      await Promise.all(ends)
      process.exit(1)
    })
  }
}
