import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StartAllowance } from '../../src/proxy/start-allowance.ts'

const rate = { count: 2, period: 60_000 }

test('so many at once, then one for each part of the period', () => {
  const allowance = new StartAllowance()
  expect([0, 0, 0].map((now) => allowance.take(rate, now))).toEqual([0, 0, 30_000])
  expect(allowance.take(rate, 29_000)).toBe(1_000)
  expect(allowance.take(rate, 30_000)).toBe(0)
  expect(allowance.take(rate, 30_000)).toBe(30_000)
  expect([0, 0].map(() => allowance.take(rate, 500_000))).toEqual([0, 0])
})

test('whenever they are asked for, there are never more than the rate allows, and who waits as told gets one', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 40_000 }), { maxLength: 60 }), (pauses) => {
      const allowance = new StartAllowance()
      const starts: number[] = []
      let now = 0
      for (const pause of pauses) {
        now += pause
        const delay = allowance.take(rate, now)
        if (delay > 0 && pause % 2 === 0) {
          now += delay
          expect(allowance.take(rate, now)).toBe(0)
          starts.push(now)
        } else if (delay === 0) starts.push(now)
      }
      for (const start of starts) {
        const within = starts.filter((other) => other >= start && other < start + rate.period)
        expect(within.length).toBeLessThanOrEqual(2 * rate.count)
      }
    }),
  )
})
