import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { customCommand } from '../../../src/supervisor/control/custom-command.ts'
import { loadCommands } from '../../../src/supervisor/control/load-commands.ts'
import { registryOf, temporaryDirectory } from './resources.ts'

function folderOf(files: Record<string, string>): string {
  const folder = temporaryDirectory()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

const names = async (...args: Parameters<typeof loadCommands>) => (await loadCommands(...args)).map(({ name }) => name)

const commonJs = `module.exports = (event, callback, who) => callback(null, 'hello ' + who)
module.exports.more = (callback) => callback(null, { info: 'Greets' })
module.exports.control = () => 'local'`

test('commands of CommonJS and of ES modules are loaded from every directory, in the order of their names', async () => {
  const first = folderOf({
    'b.js': commonJs,
    'a.mjs': 'export default async () => "a"\nexport const id = "alpha"\nexport const visible = false',
    'c.cjs': 'exports.default = (event, callback) => callback(null, "c")',
    'deeper/d.js': commonJs,
    'e.ts': 'neither',
    'README.md': 'nor this',
    '.hidden.js': 'nor this',
    'directory.js/x': 'nor this',
  })
  const second = folderOf({ 'z.js': 'module.exports = () => {}\nmodule.exports.id = "zeta"' })
  expect(await names(`${first}, ${second}`)).toEqual(['alpha', 'b', 'c', 'zeta'])
  expect(await names([second, first])).toEqual(['zeta', 'alpha', 'b', 'c'])
  expect(await names('.', second)).toEqual(['zeta'])
  expect(await names('')).toEqual([])

  const registry = registryOf()
  for (const { name, run, statics } of await loadCommands(first)) {
    registry.override(customCommand(name, run, { service: null, locals: null }, statics))
  }
  const caller = { level: 'remote', name: 'test' } as const
  expect(await registry.run('alpha', caller)).toBe('a')
  expect(await registry.run('c', caller)).toBe('c')
  expect(registry.get('alpha')?.isVisible).toBe(false)
  await expect(registry.run('b', caller)).rejects.toMatchObject({ code: 'NOT_AUTHORISED' })
  expect(await registry.run('b you', { level: 'local', name: 'test' })).toBe('hello you')
})

test.each([7, null, undefined, {}, ['a', 7]])('directories that are %j are refused', async (directories) => {
  await expect(loadCommands(directories)).rejects.toMatchObject({
    code: 'BAD_USAGE',
    message: "Option 'commands' must be a comma-delimited string or an array of strings.",
  })
})

test('a directory that is not there is named', async () => {
  await expect(loadCommands('./nowhere', '/')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: "Option 'commands': /nowhere cannot be read (ENOENT)",
  })
})

test.each([
  ['throws', 'throw new TypeError("oh")', 'could not be loaded: TypeError: oh'],
  ['throws a text', 'throw "oh"', 'could not be loaded: oh'],
  ['cannot be parsed', 'this is no program', 'could not be loaded: '],
  ['exports nothing', '', 'exports no function'],
  ['exports an object', 'module.exports = { run() {} }', 'exports no function'],
  ['has an id that is no text', 'module.exports = () => {}\nmodule.exports.id = 7', 'has an id that is not a string'],
])('a file that %s is named, with the reason', async (_, text, reason) => {
  const folder = folderOf({ 'bad.cjs': text })
  await expect(loadCommands(folder)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(`The command ${join(folder, 'bad.cjs')} ${reason}`),
  })
})
