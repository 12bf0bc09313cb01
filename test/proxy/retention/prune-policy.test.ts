import fc from 'fast-check'
import { expect, it } from 'vitest'
import { choosePrunable, matchesAny, type StoredVersion } from '../../../src/proxy/retention/prune-policy.ts'

const day = 86_400_000
const now = 1_000 * day

const stored: fc.Arbitrary<StoredVersion[]> = fc.uniqueArray(
  fc.record({
    name: fc.string({ minLength: 1 }),
    isKept: fc.boolean(),
    lastUse: fc.integer({ min: now - 60 * day, max: now }),
  }),
  { selector: ({ name }) => name, maxLength: 30 },
)
const limit = (max: number) => fc.option(fc.integer({ min: 1, max }))

it('what is pruned is kept by nobody, and neither rule retains it; all that can be said so of is pruned', () => {
  fc.assert(
    fc.property(stored, limit(12), limit(60), (versions, count, days) => {
      const pruned = new Set(choosePrunable(versions, { count, days }, now))
      const free = versions.filter(({ isKept }) => !isKept)
      for (const version of versions) {
        const isYoung = days !== null && now - version.lastUse < days * day
        if (version.isKept || isYoung || (count === null && days === null)) expect(pruned).not.toContain(version.name)
        else if (count === null) expect(pruned).toContain(version.name)
        else {
          const later = free.filter(({ lastUse }) => lastUse > version.lastUse).length
          const notEarlier = free.filter(({ lastUse }) => lastUse >= version.lastUse).length
          if (later >= count) expect(pruned).toContain(version.name)
          if (notEarlier <= count) expect(pruned).not.toContain(version.name)
        }
      }
      if (count !== null) expect(free.length - pruned.size).toBeGreaterThanOrEqual(Math.min(count, free.length))
    }),
  )
})

it('of two that came at the same time the later one in the catalog stays', () => {
  const versions = ['v1', 'v2', 'v10'].map((name) => ({ name, isKept: false, lastUse: now }))
  expect(choosePrunable(versions, { count: 1, days: null }, now)).toEqual(['v2', 'v1'])
})

it('a star in retain.keep stands for any characters, as a regular expression would have it', () => {
  const letters = fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 8 }).map((all) => all.join(''))
  const pattern = fc.array(fc.constantFrom('a', 'b', '.', '*'), { maxLength: 6 }).map((all) => all.join(''))
  fc.assert(
    fc.property(letters, pattern, (name, stars) => {
      const expression = new RegExp(`^${stars.replaceAll('.', '\\.').replaceAll('*', '.*')}$`)
      expect(matchesAny(name, [stars])).toBe(expression.test(name))
    }),
    { numRuns: 500 },
  )
})
