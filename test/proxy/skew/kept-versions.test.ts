import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formerVersions } from '../../../src/proxy/skew/kept-versions.ts'

const changes = [
  { version: 'v1', at: 0 },
  { version: 'v2', at: 100 },
  { version: 'v3', at: 200 },
  { version: 'v2', at: 300 },
  { version: 'v4', at: 400 },
]
const rule = { count: 2, maxAge: 1_000 }

test('the versions that were live last are kept, each once, and the live one is none of them', () => {
  expect(formerVersions(changes, 'v4', rule, 500)).toEqual({ kept: ['v2', 'v3'], lapsed: ['v1'], changesAt: 1_300 })
  expect(formerVersions(changes, 'v4', { ...rule, count: 9 }, 500).kept).toEqual(['v2', 'v3', 'v1'])
})

test('a version lapses when its time after it was live is over', () => {
  expect(formerVersions(changes, 'v4', rule, 1_299).kept).toEqual(['v2', 'v3'])
  expect(formerVersions(changes, 'v4', rule, 1_300)).toEqual({ kept: ['v2'], lapsed: ['v3', 'v1'], changesAt: 1_400 })
  expect(formerVersions(changes, 'v4', rule, 1_400)).toEqual({ kept: [], lapsed: ['v2', 'v3', 'v1'], changesAt: null })
})

test('a version that is live again is kept by that, and not counted', () => {
  expect(formerVersions(changes, 'v2', rule, 500).kept).toEqual(['v4', 'v3'])
})

test('whatever was live before, every version is live, kept or lapsed, and of the kept ones there are not too many', () => {
  const history = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat(200)), { minLength: 1 })
  fc.assert(
    fc.property(history, fc.nat(4), fc.nat(500), fc.nat(500), (steps, count, maxAge, wait) => {
      let at = 0
      const past = steps.map(([version, gap]) => {
        at += gap
        return { version, at }
      })
      const live = past.at(-1)?.version ?? null
      const { kept, lapsed, changesAt } = formerVersions(past, live, { count, maxAge }, at + wait)
      expect([...kept, ...lapsed, live].sort()).toEqual([...new Set(past.map(({ version }) => version))].sort())
      expect(kept.length).toBeLessThanOrEqual(count)
      if (changesAt !== null) expect(changesAt).toBeGreaterThan(at + wait)
    }),
  )
})
