import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { knownUsages } from '../../src/cli/known-commands.ts'
import { declareOptions } from '../../src/cli/options.ts'

const text = readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8')

test('docs/commands.md has every command that the help knows, and no other', () => {
  const table = text.split('\n## ', 1)[0] ?? ''
  const documented = [...table.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]?.replaceAll('\\|', '|'))
  expect(documented).toEqual(knownUsages.map((known) => known.usage))
})

test('docs/commands.md has every option', () => {
  for (const option of declareOptions().options.filter(({ hidden }) => !hidden)) {
    const name = option.long?.replace(/(?<=[a-z])-([a-z])/g, (_, letter: string) => letter.toUpperCase())
    expect(text).toContain(`\`${name}${name === '--ssl' ? '.' : ''}`)
  }
})
