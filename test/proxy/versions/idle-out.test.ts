import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chooseVictim, findIdle, type RunningVersion } from '../../../src/proxy/versions/idle-out.ts'

const running: fc.Arbitrary<RunningVersion[]> = fc.uniqueArray(
  fc.record({
    name: fc.string({ minLength: 1 }),
    isLive: fc.boolean(),
    isWarm: fc.boolean(),
    inFlight: fc.nat({ max: 3 }),
    lastAccess: fc.nat({ max: 100_000 }),
  }),
  { selector: ({ name }) => name },
)

test('what idles out is neither live nor warm nor in use, and nobody has asked for it for the idle time', () => {
  fc.assert(
    fc.property(running, fc.integer({ min: 1, max: 100_000 }), fc.nat({ max: 200_000 }), (versions, idleTime, now) => {
      const idle = new Set(findIdle(versions, idleTime, now))
      for (const { name, isLive, isWarm, inFlight, lastAccess } of versions) {
        expect(idle.has(name)).toBe(!isLive && !isWarm && inFlight === 0 && now - lastAccess >= idleTime)
      }
    }),
  )
})

test('an idle time of 0 means that nothing idles out', () => {
  const forgotten = { name: 'v1', isLive: false, isWarm: false, inFlight: 0, lastAccess: 0 }
  expect(findIdle([forgotten], 0, Number.MAX_SAFE_INTEGER)).toEqual([])
})

test('who makes room is the least recently used of those that are neither live nor in use, and a warm one only if it is the last resort', () => {
  fc.assert(
    fc.property(running, (versions) => {
      const victim = chooseVictim(versions)
      const unused = versions.filter(({ isLive, inFlight }) => !isLive && inFlight === 0)
      const areAllWarm = unused.every(({ isWarm }) => isWarm)
      const candidates = unused.filter(({ isWarm }) => areAllWarm || !isWarm)
      const chosen = candidates.find(({ name }) => name === victim) ?? null
      expect(chosen?.name ?? null).toBe(victim)
      const oldest = candidates.length === 0 ? undefined : Math.min(...candidates.map(({ lastAccess }) => lastAccess))
      expect(chosen?.lastAccess).toBe(oldest)
    }),
  )
})
