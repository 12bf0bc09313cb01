import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { VersionFolder } from './version-folder.ts'

/** proxy.json without comments, as it is now. */
export function readConfig({ config }: VersionFolder): Record<string, unknown> {
  return JSON.parse(readFileSync(config, 'utf8')) as Record<string, unknown>
}

/** The lines of the journal, oldest first. */
export function journalOf({ path }: VersionFolder): Array<Record<string, unknown>> {
  const lines = readFileSync(join(path, '.cservice', 'journal.jsonl'), 'utf8')
    .split('\n')
    .slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}
