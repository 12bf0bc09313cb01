import fc from 'fast-check'
import { expect, test } from 'vitest'
import { binomialTail, exceedanceTail, ratioTail } from '../../../src/proxy/rollout/statistics.ts'

test('the binomial test answers what is in tables', () => {
  expect(binomialTail(5, 5, 0.5)).toBeCloseTo(1 / 32, 12)
  expect(binomialTail(8, 10, 0.5)).toBeCloseTo(56 / 1024, 12)
  expect(binomialTail(1, 100, 0.01)).toBeCloseTo(1 - 0.99 ** 100, 12)
  expect(binomialTail(0, 10, 0.5)).toBe(1)
  expect(binomialTail(11, 10, 0.5)).toBe(0)
  expect(binomialTail(600, 1_000_000, 0.0005)).toBeGreaterThan(1e-6)
  expect(binomialTail(600, 1_000_000, 0.0005)).toBeLessThan(1e-4)
  expect(binomialTail(1_000_000, 1_000_000, 0.001)).toBe(0)
})

test('the binomial test agrees with the sum that anybody can do by hand', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 0, max: 60 }),
      fc.double({ min: 0.001, max: 0.999, noNaN: true }),
      (trials, hits, probability) => {
        let sum = 0
        let part = (1 - probability) ** trials
        for (let count = 0; count <= trials; count++) {
          if (count >= hits) sum += part
          part *= ((trials - count) / (count + 1)) * (probability / (1 - probability))
        }
        expect(binomialTail(hits, trials, probability)).toBeCloseTo(Math.min(1, sum), 9)
      },
    ),
  )
})

test('two equal rates are no reason to doubt, ten times as many hits are', () => {
  expect(ratioTail({ hits: 10, size: 1_000 }, { hits: 10, size: 1_000 }, 1)).toBeGreaterThan(0.5)
  expect(ratioTail({ hits: 50, size: 1_000 }, { hits: 5, size: 1_000 }, 1)).toBeLessThan(1e-8)
  expect(ratioTail({ hits: 20, size: 1_000 }, { hits: 10, size: 1_000 }, 2)).toBeGreaterThan(0.4)
  expect(ratioTail({ hits: 5, size: 100 }, { hits: 0, size: 0 }, 1)).toBe(1)
})

test('exceedances of the largest of others are as likely as drawing them in that order', () => {
  // Of 2 and 3 in any order, both of the 2 are on top in 1 of 10.
  expect(exceedanceTail(2, 2, 3, 3)).toBeCloseTo(0.1, 12)
  expect(exceedanceTail(1, 2, 3, 3)).toBeCloseTo(1 - 6 / 10, 12)
  expect(exceedanceTail(0, 2, 3, 3)).toBe(1)
  expect(exceedanceTail(3, 2, 3, 3)).toBe(0)
})

test('more hits never look better, and every answer is a probability', () => {
  const count = fc.integer({ min: 1, max: 2_000 })
  fc.assert(
    fc.property(
      count,
      count,
      fc.integer({ min: 0, max: 2_000 }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      (size, otherSize, hits, part) => {
        const rank = Math.max(1, Math.ceil(part * otherSize))
        for (const tail of [
          (k: number) => binomialTail(k, size, 1 - part),
          (k: number) => exceedanceTail(k, size, rank, otherSize),
        ]) {
          expect(tail(hits)).toBeGreaterThanOrEqual(0)
          expect(tail(hits)).toBeLessThanOrEqual(1)
          expect(tail(hits + 1)).toBeLessThanOrEqual(tail(hits) + 1e-9)
        }
      },
    ),
  )
})
