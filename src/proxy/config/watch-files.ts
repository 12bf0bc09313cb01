import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { watchFolder } from './watch-folder.ts'

/**
 * Calls back when one of the files may have changed: written in place, replaced by rename, or reached through a link that now
 * leads elsewhere, be it the file's own (certbot) or that of its folder (`..data` of Kubernetes). May call more often than that.
 */
export async function watchFiles(files: readonly string[], onChange: () => void): Promise<{ close(): Promise<void> }> {
  const folders = new Set(files.map((file) => dirname(file)))
  const watchers = await Promise.all(
    [...folders].map((folder) => {
      const inFolder = files.filter((file) => dirname(file) === folder)
      return watchFolder(folder, {
        isOfInterest: (path) => inFolder.includes(path) || basename(path).startsWith('..'),
        fingerprint: async () => (await Promise.all(inFolder.map(fingerprintOf))).join(),
        onChange,
      })
    }),
  )
  return {
    async close() {
      await Promise.all(watchers.map((watcher) => watcher.close()))
    },
  }
}

/** Follows links, so that it tells of a link that leads elsewhere, too. */
async function fingerprintOf(file: string): Promise<string> {
  const stats = await stat(file).catch(() => undefined)
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}`
}
