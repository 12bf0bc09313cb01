import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decideRestart, defaultRestartPolicy as policy } from '../../src/supervisor/restart-policy.ts'

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('the delay doubles with each failure in a row, within a quarter of jitter either way, up to its maximum', () => {
  const patient = { ...policy, giveUpAfter: Number.POSITIVE_INFINITY }
  fc.assert(
    fc.property(fc.nat({ max: 40 }), random, (failures, jitter) => {
      const verdict = decideRestart(patient, failures, null, jitter)
      const middle = Math.min(policy.maxDelay, policy.firstDelay * 2 ** failures)
      expect(verdict).toMatchObject({ action: 'restart', failures: failures + 1 })
      if (verdict.action !== 'restart') return
      expect(verdict.delay).toBeGreaterThanOrEqual(Math.floor(middle * 0.75))
      expect(verdict.delay).toBeLessThanOrEqual(Math.ceil(middle * 1.25))
    }),
  )
})

test('workers that died together do not come back in step', () => {
  const delays = [0, 0.5, 0.99].map((jitter) => decideRestart(policy, 3, null, jitter))
  expect(new Set(delays.map((verdict) => (verdict.action === 'restart' ? verdict.delay : null))).size).toBe(3)
})

test('a worker that never stays up is given up after the number of failures that the policy allows', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), random, (giveUpAfter, jitter) => {
      let failures = 0
      let restarts = 0
      for (;;) {
        const verdict = decideRestart({ ...policy, giveUpAfter }, failures, 0, jitter)
        failures = verdict.failures
        if (verdict.action === 'give-up') break
        restarts++
      }
      expect(restarts).toBe(giveUpAfter - 1)
    }),
  )
})

test('a worker that was well for long enough starts its count of failures anew', () => {
  expect(decideRestart(policy, 5, policy.stableAfter, 0.5)).toMatchObject({ action: 'restart', failures: 1 })
  expect(decideRestart(policy, 5, policy.stableAfter - 1, 0.5)).toMatchObject({ action: 'give-up', failures: 6 })
})
