import { expect, test } from 'vitest'
import { Allowance } from '../../../../src/proxy/dataplane/http2/allowance.ts'

test('so much may be taken at once, and after a while again', () => {
  const allowance = new Allowance(3, 2)
  expect([1, 2, 3, 4].map(() => allowance.take(1, 1_000))).toEqual([true, true, true, false])
  expect(allowance.take(1, 1_400)).toBe(false)
  expect(allowance.take(1, 3_000)).toBe(true)
})

test('what is not taken is not saved up', () => {
  const allowance = new Allowance(2, 1)
  expect([1, 2, 3].map(() => allowance.take(1, 3_600_000))).toEqual([true, true, false])
})
