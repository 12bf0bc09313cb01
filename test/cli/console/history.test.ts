import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { History, historyPath } from '../../../src/cli/console/history.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

test('the history has a thousand lines at most, the newest ones', () => {
  const path = join(temporaryFolder(), 'cservice', 'history')
  const history = new History(path)
  for (let line = 0; line < 1_500; line++) history.add(`line ${line}`)
  history.close()
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  expect([lines.length, lines[0], lines.at(-1)]).toEqual([1_000, 'line 500', 'line 1499'])
  expect(new History(path).load().slice(0, 2)).toEqual(['line 1499', 'line 1498'])
})

test('two consoles at the same time keep the lines of both', () => {
  const path = join(temporaryFolder(), 'history')
  const [one, two] = [new History(path), new History(path)]
  one.add('health')
  two.add('version')
  two.add('version')
  one.close()
  two.close()
  expect(new History(path).load()).toEqual(['version', 'health'])
})

test('a history that cannot be read is empty', () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'history'))
  const history = new History(join(folder, 'history'))
  expect(history.load()).toEqual([])
  history.add('health')
  history.close()
  writeFileSync(join(folder, 'file'), '')
  expect(new History(join(folder, 'file', 'history')).load()).toEqual([])
})

test('a history that is linked to a device stays the device, and a pipe is not waited for', () => {
  const folder = temporaryFolder()
  // What looks like /dev/null from here, and can be looked at afterwards: this test must not be able to harm the machine.
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  symlinkSync(pipe, join(folder, 'history'))
  const history = new History(join(folder, 'history'))
  expect(history.load()).toEqual([])
  history.add('health')
  history.close()
  expect(statSync(pipe).isFIFO()).toBe(true)
  symlinkSync('/dev/null', join(folder, 'none'))
  expect(new History(join(folder, 'none')).load()).toEqual([])
})

test('a user without a home has no history, rather than one wherever he is', () => {
  const home = process.env.HOME
  process.env.HOME = ''
  try {
    expect(historyPath({})).toBe(null)
  } finally {
    if (home === undefined) delete process.env.HOME
    else process.env.HOME = home
  }
})

test('the state directory of the user is the place for it, when it is an absolute path', () => {
  expect(historyPath({ XDG_STATE_HOME: '/state' })).toBe('/state/cservice/history')
  expect(historyPath({ XDG_STATE_HOME: 'state' })).toMatch(/\/\.local\/state\/cservice\/history$/)
})
