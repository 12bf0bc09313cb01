import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isVersionName } from '../../../src/proxy/versions/version-name.ts'

describe('a version name', () => {
  it.each(['v1', '1.2.3', 'a', '-x', '_', 'V1.0.0-rc.1_b', '__proto__', 'constructor', 'x'.repeat(128)])(
    'can be %s',
    (name) => {
      expect(isVersionName(name)).toBe(true)
    },
  )

  it.each([
    '',
    '.',
    '..',
    '.x',
    '../x',
    './v2',
    'v1/../v2',
    '/etc',
    'a\\b',
    'a b',
    'v1\n',
    '\nv1',
    'v1\0',
    'é',
    '%2e',
    'x'.repeat(129),
    'x'.repeat(10_240),
  ])('cannot be %j', (name) => {
    expect(isVersionName(name)).toBe(false)
  })

  it('is always one path segment that is not hidden', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('.', '/', 'a', '1', '-', '\\', '\n', '_') })),
        (name) => {
          const expected =
            name.length >= 1 &&
            name.length <= 128 &&
            [...name].every((c) => /[A-Za-z0-9._-]/.test(c) && c !== '\n') &&
            !name.startsWith('.')
          expect(isVersionName(name)).toBe(expected)
        },
      ),
    )
  })
})
