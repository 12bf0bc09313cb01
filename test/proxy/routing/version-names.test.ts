import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import semver from 'semver'
import { expect, onTestFinished, test, vi } from 'vitest'
import { hostLabel, VersionNames } from '../../../src/proxy/routing/version-names.ts'
import { looksLikeRange } from '../../../src/proxy/routing/version-ranges.ts'

const names = new VersionNames(['v1', 'v2.0', 'v2.1.3', 'v2.4.0', '3.0.0-rc.1', '3.0.0-rc.2', 'feature-x', '__proto__'])

test.each([
  ['2', 'v2.4.0'],
  ['v2', 'v2.4.0'],
  ['2.x', 'v2.4.0'],
  ['2.1', 'v2.1.3'],
  ['^2.1', 'v2.4.0'],
  ['~2.1.0', 'v2.1.3'],
  ['<2.1', 'v2.0'],
  ['>=1 <2', 'v1'],
  ['>= 1 < 2.4', 'v2.1.3'],
  ['1 - 2.1', 'v2.1.3'],
  ['1 || 2.0', 'v2.0'],
  ['*', 'v2.4.0'],
  ['latest', 'v2.4.0'],
  ['^3.0.0-rc', '3.0.0-rc.2'],
  ['3.0.0-rc.1', '3.0.0-rc.1'],
  ['v3.0.0-rc.1', '3.0.0-rc.1'],
  ['1.0.0', 'v1'],
])('%s is %s', (range, expected) => {
  expect(names.inRange(range)).toBe(expected)
})

test.each([
  ['a prerelease that nobody asked for', '3'],
  ['a prerelease of another version', '>=2.9.0-0 <3'],
  ['a version that is not there', '4'],
  ['what is no range', 'feature'],
  ['what begins like one', '2 or so'],
  ['nothing', ''],
  ['a blank', ' '],
  ['a number that is too large', '9'.repeat(40)],
  ['a range that is too long', `${'0'.repeat(60)}>=2.0.0`],
  ['a range of too many parts', '1||1||1||1||1||1||1||1||2'],
  ['names of the prototype', 'constructor'],
])('%s is in no range: %s', (_what, range) => {
  expect(names.inRange(range)).toBeNull()
})

test('where no version is stable, none is the latest', () => {
  expect(new VersionNames(['3.0.0-rc.1']).inRange('latest')).toBeNull()
  expect(new VersionNames(['main', 'next']).inRange('latest')).toBeNull()
})

test('of two names for one version the same one is taken, however they are listed', () => {
  expect(new VersionNames(['v2', '2.0.0']).inRange('^2')).toBe('v2')
  expect(new VersionNames(['2.0.0', 'v2']).inRange('^2')).toBe('v2')
})

test('whatever range it is, the answer is that of semver', () => {
  const number = fc.nat({ max: 4 })
  const prerelease = fc.constantFrom('', '', '', '-rc', '-rc.1', '-rc.2', '-beta')
  const version = fc.tuple(number, number, number, prerelease).map(([a, b, c, rest]) => `${a}.${b}.${c}${rest}`)
  const part = fc.oneof(number.map(String), fc.constantFrom('x', '*', 'X'))
  const partial = fc.oneof(
    version,
    fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.')),
  )
  const comparator = fc
    .tuple(fc.constantFrom('', '^', '~', '>', '>=', '<', '<=', '=', '>= ', 'v'), partial)
    .map((both) => both.join(''))
  const set = fc.array(comparator, { minLength: 1, maxLength: 2 }).map((comparators) => comparators.join(' '))
  const range = fc.oneof(
    fc.array(set, { minLength: 1, maxLength: 2 }).map((sets) => sets.join(' || ')),
    fc.tuple(partial, partial).map((ends) => ends.join(' - ')),
  )
  fc.assert(
    fc.property(fc.uniqueArray(version, { minLength: 1, maxLength: 12 }), range, (versions, text) => {
      expect(looksLikeRange(text)).toBe(text.length <= 64)
      if (text.length > 64) return
      expect(new VersionNames(versions).inRange(text)).toBe(semver.maxSatisfying(versions, text))
    }),
    { numRuns: 1_000 },
  )
})

test('of many versions the answer is that of semver, too, and finding it asks few of them', () => {
  const prereleases = ['', '-a', '-a.1', '-b', '-b+2', '+1']
  const versions = Array.from({ length: 1_200 }, (_, index) => {
    const [major, minor, patch] = [index % 5, Math.floor(index / 5) % 8, Math.floor(index / 240)]
    return `${major}.${minor}.${patch}${prereleases[index % 6]}`
  })
  const many = new VersionNames(versions)
  const partial = fc.tuple(
    fc.nat({ max: 5 }),
    fc.nat({ max: 8 }),
    fc.nat({ max: 5 }),
    fc.constantFrom('', '-a', '-a.1', '-c'),
  )
  const comparator = fc
    .tuple(fc.constantFrom('', '^', '~', '>', '>=', '<', '<='), partial)
    .map(([operator, [a, b, c, rest]]) => `${operator}${a}.${b}.${c}${rest}`)
  const set = fc.array(comparator, { minLength: 1, maxLength: 3 }).map((comparators) => comparators.join(' '))
  const range = fc.array(set, { minLength: 1, maxLength: 2 }).map((sets) => sets.join(' || '))
  fc.assert(
    fc.property(range, (text) => {
      if (!looksLikeRange(text)) return
      const found = many.inRange(text)
      const expected = semver.maxSatisfying(versions, text)
      expect(found === null).toBe(expected === null)
      if (found !== null && expected !== null) expect(semver.compare(found, expected)).toBe(0)
    }),
    { numRuns: 500 },
  )
  const compare = vi.spyOn(semver.SemVer.prototype, 'compare')
  onTestFinished(() => compare.mockRestore())
  many.inRange('>=4.1.1-a <9.9.9-b || ^0.1.2 || 7.x')
  expect(compare.mock.calls.length).toBeLessThan(100)
})

test('a range that is asked for again and again is remembered, whatever others are asked for in between', () => {
  const some = new VersionNames(['v1', 'v2'])
  some.inRange('^1')
  const compare = vi.spyOn(semver.SemVer.prototype, 'compare')
  onTestFinished(() => compare.mockRestore())
  for (let index = 0; index < 1_000; index++) {
    some.inRange(`^1.${index}`)
    compare.mockClear()
    expect(some.inRange('^1')).toBe('v1')
    expect(compare).not.toHaveBeenCalled()
  }
})

test('no text at all is taken for a range that semver does not take for one', () => {
  const text = fc.string({ unit: fc.constantFrom(...'012.-+xv*^~<>=| abc'), maxLength: 24 })
  fc.assert(
    fc.property(text, (range) => {
      const answer = new VersionNames(['1.0.0', '2.1.0', '2.1.1-a']).inRange(range)
      if (answer !== null) expect(semver.maxSatisfying(['1.0.0', '2.1.0', '2.1.1-a'], range)).toBe(answer)
    }),
    { numRuns: 2_000 },
  )
})

test('a flood of ranges grows no memory, and the answers stay right', () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  const flood = (from: number) => {
    for (let index = from; index < from + 5_000; index++) {
      // Cut out of a long head, as the fast lane does it.
      const head = `GET / HTTP/1.1\r\nx-version: >=1.0.${index} <2.${index}\r\nx: ${'y'.repeat(8_000)}`
      names.inRange(head.slice(27, head.indexOf('\r', 27)))
    }
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  const before = flood(0)
  expect(flood(5_000) - before).toBeLessThan(1024 * 1024)
  expect(names.inRange('^2.1')).toBe('v2.4.0')
})

test('texts that can be no ranges are none, however long they are', () => {
  for (let index = 0; index < 10_000; index++) {
    expect(names.inRange('1.'.repeat(8_000))).toBeNull()
    expect(names.inRange(`${'-'.repeat(58)}${index}`)).toBeNull()
  }
})

test('a name is found by its label of a host name', () => {
  expect(hostLabel('v2.4.0')).toBe('v2-4-0')
  expect(names.byLabel('v2-4-0')).toBe('v2.4.0')
  expect(names.byLabel('feature-x')).toBe('feature-x')
  expect(names.byLabel('v9')).toBeNull()
  expect(names.byLabel('constructor')).toBeNull()
  expect(new VersionNames(['Feature_X']).byLabel('feature-x')).toBe('Feature_X')
})

test('a label that two versions share is that of neither', () => {
  expect(new VersionNames(['v2.4', 'v2_4', 'v3']).byLabel('v2-4')).toBeNull()
})

test('names are the same names as long as none comes or goes', () => {
  const two = new VersionNames(['a', 'b'])
  expect(
    two.equals(
      new Map([
        ['b', 1],
        ['a', 1],
      ]),
    ),
  ).toBe(true)
  expect(two.equals(new Map([['a', 1]]))).toBe(false)
  expect(
    two.equals(
      new Map([
        ['a', 1],
        ['c', 1],
      ]),
    ),
  ).toBe(false)
  expect(
    two.equals(
      new Map([
        ['a', 1],
        ['b', 1],
        ['c', 1],
      ]),
    ),
  ).toBe(false)
})
