import { expect, test } from 'vitest'
import { AccessKeys, isAllowed } from '../../../src/supervisor/control/access.ts'
import type { AccessLevel } from '../../../src/supervisor/control/command.ts'
import { FailureLimit } from '../../../src/supervisor/control/failure-limit.ts'

const levels = (key: string, all: string, command: string, level: AccessLevel = 'remote') =>
  new AccessKeys(all).find(key)?.levelOf(command, level) ?? null

test('the ranks are remote, local, inproc, disabled; code in the process is not checked', () => {
  expect(isAllowed('remote', 'remote')).toBe(true)
  expect(isAllowed('remote', 'local')).toBe(false)
  expect(isAllowed('local', 'remote')).toBe(true)
  expect(isAllowed('local', 'local')).toBe(true)
  expect(isAllowed('local', 'inproc')).toBe(false)
  expect(isAllowed('local', 'disabled')).toBe(false)
  expect(isAllowed('inproc', 'disabled')).toBe(true)
})

test('each of several keys is found, and no other text is', () => {
  const keys = new AccessKeys('KEY;ro[health,info];gone:disabled')
  expect(keys.find('KEY')).not.toBeNull()
  expect(keys.find('ro')).not.toBeNull()
  for (const other of ['gone', '', 'key', 'ro[health,info]', 'KEY;ro[health,info];gone:disabled', 'health'])
    expect(keys.find(other)).toBeNull()
})

test('the same key twice is an error that does not repeat it: nobody could tell which of the two holds', () => {
  expect(() => new AccessKeys('KEY:disabled;other;KEY')).toThrow('Access key 3 is wrong: it is there already')
})

test('a list of commands is a white list', () => {
  expect(levels('ro', 'KEY;ro[health,info]', 'health')).toBe('remote')
  expect(levels('ro', 'KEY;ro[health,info]', 'restart')).toBe('disabled')
  expect(levels('KEY', 'KEY;ro[health,info]', 'restart')).toBe('remote')
})

test('a command with a level has that level for this key', () => {
  expect(levels('abc', 'abc[test:inproc]', 'test', 'remote')).toBe('inproc')
  expect(levels('abc', 'abc[test:remote]', 'test', 'disabled')).toBe('remote')
  expect(levels('abc', 'abc[test:false]', 'test', 'remote')).toBe('disabled')
  expect(levels('abc', 'abc[test:remote]', 'other', 'local')).toBe('local')
  expect(levels('abc', 'abc[health, restart:local]', 'other', 'remote')).toBe('disabled')
})

test('a command called like a property of every object has no rights by that', () => {
  for (const name of ['constructor', '__proto__', 'toString']) expect(levels('ro', 'ro[health]', name)).toBe('disabled')
})

test('a key may hold colons and digits, which stay text', () => {
  expect(new AccessKeys('0123').find('123')).toBeNull()
  expect(new AccessKeys('a:b;1e5').find('a:b')).not.toBeNull()
  expect(new AccessKeys('a:b;1e5').find('1e5')).not.toBeNull()
})

test.each([
  '',
  ';',
  'secret[health',
  'secret]',
  'secret[]x',
  'secret[health:nobody]',
  'secret[a b]',
  'secret:local',
  'secret[health]:local',
  '[health]',
])('the accessKey "%s" is refused without being repeated', (text) => {
  let error: unknown
  try {
    new AccessKeys(text)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toMatchObject({ code: 'BAD_USAGE' })
  expect(JSON.stringify(error)).not.toContain('secret')
})

test('ten failures in a minute block an address, and no other one, until the minute is over', () => {
  const limit = new FailureLimit()
  for (let i = 0; i < 9; i++) limit.record('10.0.0.1', 1000 + i)
  expect(limit.waitOf('10.0.0.1', 1010)).toBe(0)
  limit.record('10.0.0.1', 1010)
  expect(limit.waitOf('10.0.0.1', 1010)).toBe(59_990)
  expect(limit.waitOf('10.0.0.2', 1010)).toBe(0)
  expect(limit.waitOf('10.0.0.1', 61_000)).toBe(0)
  limit.record('10.0.0.1', 61_001)
  expect(limit.waitOf('10.0.0.1', 61_002)).toBe(0)
})
