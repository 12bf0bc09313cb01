import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isVersionName, selectVersion } from '../../../src/proxy/routing/select-version.ts'
import type { SelectableRequest } from '../../../src/proxy/routing/selection.ts'

const naming = (...versionHeaders: string[]): SelectableRequest => ({
  versionHeaders,
  target: '/',
  host: 'example.test',
  address: '127.0.0.1',
  header: () => [],
})

test('the header decides before the live version, and an empty one is as if absent', () => {
  expect(selectVersion(naming('v2'), 'v1')).toMatchObject({ version: 'v2', by: 'header' })
  expect(selectVersion(naming(), 'v1')).toMatchObject({ version: 'v1', by: 'live' })
  expect(selectVersion(naming(''), 'v1')).toMatchObject({ version: 'v1', by: 'live' })
  expect(selectVersion(naming(''), null)).toEqual({ error: 'NO_LIVE_VERSION' })
})

test('two version headers name no version, not even if they agree or one is empty', () => {
  for (const versionHeaders of [
    ['v1', 'v1'],
    ['v1', ''],
    ['', 'v1'],
  ]) {
    expect(selectVersion(naming(...versionHeaders), 'v1')).toEqual({ error: 'UNKNOWN_VERSION' })
  }
})

test('a name that cannot be a version is none', () => {
  const names = [
    '../x',
    './v2',
    'v1/../v2',
    '/etc/passwd',
    '.',
    '..',
    '.hidden',
    'v 1',
    'v1,v2',
    'ü',
    'a'.repeat(129),
    'a'.repeat(10_240),
    'v1\n',
    'v1\0',
  ]
  for (const name of names) expect(selectVersion(naming(name), 'v1')).toEqual({ error: 'UNKNOWN_VERSION' })
  for (const name of ['v1', '1.2.3', '__proto__', 'constructor', 'a'.repeat(128), '-x', 'a..b'])
    expect(isVersionName(name)).toBe(true)
})

test('whatever a request says, what is selected is one safe path segment or nothing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom(...'./\\%a1-_ \0é') }), { maxLength: 3 }),
      (versionHeaders) => {
        const selection = selectVersion(naming(...versionHeaders), 'v1')
        if ('error' in selection) return
        expect(selection.version).not.toMatch(/[/\\\0]|^\./)
        expect(selection.version.length).toBeLessThanOrEqual(128)
      },
    ),
  )
})
