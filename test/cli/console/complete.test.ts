import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { complete } from '../../../src/cli/console/complete.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const answers: Record<string, unknown> = {
  help: { commands: ['health', 'help', 'mine', 'proxy', 'restart'] },
  'help proxy': { command: 'proxy start|stop|info' },
  'proxy info': { versions: [{ name: 'v1' }, { name: 'v10' }] },
  workers: { workers: [{ pid: 4711 }, { pid: 4712 }] },
}
const ask = async (line: string) => answers[line]
const candidates = async (line: string) => (await complete(line, ask, ['clear'])).candidates

test.each([
  ['', ['health', 'help', 'mine', 'proxy', 'restart', 'clear']],
  ['mi', ['mine ']],
  ['zzz', []],
  ['proxy st', ['start', 'stop']],
  ['proxy promote v', ['v1', 'v10']],
  ['proxy  version v10', ['v10 ']],
  ['proxy promote v1 ', []],
  ['restart ', ['all', '4711', '4712']],
  ['upgrade 4711', ['4711 ']],
  ['shutdown a', ['all ']],
  ['help m', ['mine ']],
  ['health ', []],
])('%j may become %j', async (line, expected) => {
  expect(await candidates(line)).toEqual(expected)
})

test('files come where a file is expected, folders with a slash, odd names in quotation marks', async () => {
  const folder = temporaryFolder()
  for (const name of ['server.js', 'server two.js', '.hidden.js']) writeFileSync(join(folder, name), '')
  mkdirSync(join(folder, 'services'))
  expect(await candidates(`start ${folder}/ser`)).toEqual([`${folder}/server.js`, `${folder}/services/`])
  expect(await candidates(`upgrade all ${folder}/serv`)).toEqual([`${folder}/server.js`, `${folder}/services/`])
  expect(await candidates(`start "${folder}/server t`)).toEqual([`"${folder}/server two.js" `])
  expect(await candidates(`start ${folder}/servi`)).toEqual([`${folder}/services/`])
  expect(await candidates(`start ${folder}/nowhere/`)).toEqual([])
})

test('a service that cannot be asked leaves the commands that every service has', async () => {
  const { candidates: names } = await complete('he', () => Promise.reject(new Error('gone')), [])
  expect(names).toEqual(['health', 'help'])
})
