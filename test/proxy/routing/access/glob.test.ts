import fc from 'fast-check'
import { expect, test } from 'vitest'
import { matchesGlob } from '../../../../src/proxy/routing/access/glob.ts'

test.each([
  ['v2', 'v2', true],
  ['v2', 'v*', true],
  ['v2', '*', true],
  ['', '*', true],
  ['v2.4', 'v?.?', true],
  ['feature-x-1', 'feature-*-1', true],
  ['abab', '*ab', true],
  ['v2', 'v', false],
  ['v2', 'V2', false],
  ['v2', 'v2?', false],
  ['xv2', 'v*', false],
  ['v2x', '*2', false],
  ['v2', 'v.', false],
  ['v2', '', false],
])('%j and %j: %s', (name, pattern, expected) => {
  expect(matchesGlob(name, pattern)).toBe(expected)
})

test('it is what a regular expression of the same meaning says', () => {
  const text = (characters: string) => fc.string({ unit: fc.constantFrom(...characters), maxLength: 10 })
  fc.assert(
    fc.property(text('ab.'), text('ab.*?'), (name, pattern) => {
      const regex = pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')
      expect(matchesGlob(name, pattern)).toBe(new RegExp(`^${regex}$`).test(name))
    }),
    { numRuns: 2_000 },
  )
})

test('a pattern with many stars that fits nowhere is found out soon', () => {
  // A regular expression of the same meaning would not come to an end.
  expect(matchesGlob('a'.repeat(128), `${'*a'.repeat(60)}b`)).toBe(false)
})
