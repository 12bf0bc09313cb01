import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** More at a time only wait for each other: the journal of the file system takes them together. */
const concurrency = 16

/**
 * Makes a folder durable, with every file and folder in it: what it holds now is there after a crash of the machine.
 * @throws what the disk says
 */
export async function syncTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
  const rest = [...paths, folder].values()
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (const path of rest) await syncPath(path)
    }),
  )
}

/** The same for one file, or for the names in one folder. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
