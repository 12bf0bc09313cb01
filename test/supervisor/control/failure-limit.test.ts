import { expect, test } from 'vitest'
import { FailureLimit } from '../../../src/supervisor/control/failure-limit.ts'

test.each([
  ['2001:db8::1', '2001:db8:0:0:ffff:1:2:3', true],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::7', true],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
  ['192.0.2.1', '192.0.2.2', false],
])('wrong keys from %s count for %s: %s', (address, other, isSame) => {
  const limit = new FailureLimit()
  for (let count = 0; count < 10; count++) limit.record(address)
  expect(limit.waitOf(address)).toBeGreaterThan(0)
  expect(limit.waitOf(other) > 0).toBe(isSame)
})
