import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { answerCases } from './strictness/answer-cases.ts'
import { conflictCases } from './strictness/conflict-cases.ts'
import { fieldCases } from './strictness/field-cases.ts'
import { framingCases } from './strictness/framing-cases.ts'
import { furtherCases } from './strictness/further-cases.ts'
import { rareCases } from './strictness/rare-cases.ts'
import { requestLineCases } from './strictness/request-line-cases.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const page = readFileSync(new URL('../../../docs/http.md', import.meta.url), 'utf8')
/** Section, what is asked, what is done, tests. */
const rows = page
  .split('\n')
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
  .filter(([, section = '']) => /^\d{4} \d/.test(section))
const requestCases = [...requestLineCases, ...fieldCases, ...framingCases, ...conflictCases, ...furtherCases]
const texts = new Map<string, string>()

/** What can be found in a test file, or among the cases that it runs. */
function textOf(file: string): string {
  const known = texts.get(file)
  if (known !== undefined) return known
  let text = readFileSync(`${folder}${file}.test.ts`, 'utf8')
  if (file === 'strictness') text += requestCases.map(({ name }) => `'${name}'`).join('\n')
  if (file === 'strictness-rare') text += rareCases.map(({ name }) => `'${name}'`).join('\n')
  if (file === 'strictness-answers') text += answerCases.map(([, name]) => `'${name}'`).join('\n')
  if (file === 'strictness-discrepancies') text += readFileSync(`${folder}strictness/discrepancies.ts`, 'utf8')
  texts.set(file, text)
  return text
}

test('every test that docs/http.md names is there', () => {
  expect(rows.length).toBeGreaterThan(60)
  for (const [, section, , , tests = ''] of rows) {
    for (const named of tests.split('<br>')) {
      const [, file = '', name = ''] = /^`([\w./-]+)`: (.+)$/.exec(named) ?? []
      expect(existsSync(`${folder}${file}.test.ts`), `${section}: ${named}`).toBe(true)
      const text = textOf(file)
      const isThere = ["'", '"', '`'].some(
        (quote) => text.includes(quote + name + quote) || text.includes(`${quote}${name} (lanes: `),
      )
      expect(isThere, `${section}: ${named}`).toBe(true)
    }
  }
})

test('docs/http.md has a row for every section that a case of the strictness tests is about', () => {
  const documented = new Set(rows.map(([, section = '']) => section))
  const isDocumented = (section: string): boolean =>
    documented.has(section) || documented.has(section.replace(/\.\d+$/, ''))
  const sections = [
    ...requestCases.map(({ section }) => section),
    ...rareCases.map(({ section }) => section),
    ...answerCases.map(([section]) => section),
  ]
  expect([...new Set(sections)].filter((section) => !isDocumented(section))).toEqual([])
})

test('every strictness test is named in docs/http.md', () => {
  const files = readdirSync(folder).filter((file) => /^strictness.*\.test\.ts$/.test(file))
  for (const file of files) expect(page).toContain(`\`${file.replace('.test.ts', '')}\``)
})
