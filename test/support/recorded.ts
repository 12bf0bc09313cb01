import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type FixtureWorker, fixtureWorker } from './fixture-worker.ts'
import type { VersionFolder, WorkerSource } from './version-folder.ts'

const recordBoot = fileURLToPath(new URL('../fixtures/workers/record-boot.js', import.meta.url))

/** A worker of the library that first leaves its pid in its folder, so that `bootsOf` can count its starts. */
export function counted(kind: FixtureWorker): WorkerSource {
  const [record, program] = [recordBoot, fixtureWorker(kind)].map((path) => JSON.stringify(pathToFileURL(path).href))
  return { text: `import ${record}\nimport ${program}\n` }
}

/** The pids of every process that was ever started for a version with a `counted` worker. */
export function bootsOf(folder: VersionFolder, version: string): number[] {
  return linesOf(folder, version, 'boots').map(Number)
}

/** What has reached a version with a `records` worker: `GET /path host`. */
export function requestsOf(folder: VersionFolder, version: string): string[] {
  return linesOf(folder, version, 'requests')
}

function linesOf(folder: VersionFolder, version: string, file: string): string[] {
  try {
    return readFileSync(join(folder.path, version, file), 'utf8')
      .split('\n')
      .slice(0, -1)
  } catch {
    return []
  }
}
