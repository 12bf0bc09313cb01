import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { markdownTable } from './table.mjs'

const file = fileURLToPath(new URL('RESULTS.md', import.meta.url))

/** The page of the last full run. @param facts lines about the machine and the run */
export function writeResults({ facts, results, targets }) {
  const sections = results.map(({ title, rows, note }) =>
    note === undefined ? `## ${title}\n\n${markdownTable(rows)}` : note,
  )
  const page = `<!-- Written by npm run bench -- --write. -->

# Results of the last full run

${new Date().toISOString().slice(0, 10)}

${facts.map((fact) => `- ${fact}`).join('\n')}

Only ratios mean anything, and only those within this page. [README.md](README.md) says how they were measured.

## Targets

${markdownTable(targets)}

${sections.join('\n\n')}
`
  writeFileSync(file, page)
}
