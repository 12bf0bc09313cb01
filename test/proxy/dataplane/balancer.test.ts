import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chooseTarget } from '../../../src/proxy/dataplane/balancer.ts'

const candidate = fc.record({ inFlight: fc.nat(5), ejectedUntil: fc.constantFrom(0, 50, 150) })
const now = 100

test('nobody is less busy than the one chosen, and an ejected one is taken only if all are ejected', () => {
  fc.assert(
    fc.property(fc.array(candidate, { minLength: 1, maxLength: 8 }), fc.nat(), (candidates, turn) => {
      const chosen = candidates[chooseTarget(candidates, turn, now)]
      const sound = candidates.filter(({ ejectedUntil }) => ejectedUntil <= now)
      const pool = sound.length > 0 ? sound : candidates
      expect(pool).toContain(chosen)
      expect(chosen?.inFlight).toBe(Math.min(...pool.map(({ inFlight }) => inFlight)))
    }),
  )
})

test('equally busy targets take turns: in any row of turns each is chosen as often as another', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(), (count, start) => {
      const candidates = Array.from({ length: count }, () => ({ inFlight: 1, ejectedUntil: 0 }))
      const chosen = candidates.map((_, step) => chooseTarget(candidates, start + step, now))
      expect(new Set(chosen).size).toBe(count)
    }),
  )
})

test('there is nothing to choose from nothing', () => {
  expect(chooseTarget([], 3, now)).toBe(-1)
})
