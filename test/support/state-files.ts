import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { VersionFolder } from './version-folder.ts'

/** proxy.json without comments, as it is now. */
export function readConfig({ config }: VersionFolder): Record<string, unknown> {
  return JSON.parse(readFileSync(config, 'utf8')) as Record<string, unknown>
}

/** The lines of the journal, oldest first, without what it says of the start of the gateway. */
export function journalOf({ path }: VersionFolder): Array<Record<string, unknown>> {
  const lines = readFileSync(join(path, '.cservice', 'journal.jsonl'), 'utf8')
    .split('\n')
    .slice(0, -1)
  const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return entries.filter(({ details }) => (details as { found?: string } | undefined)?.found !== 'at start')
}
