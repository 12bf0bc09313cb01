import { expect, test } from 'vitest'
import { type Ejection, eject } from '../../../src/proxy/dataplane/ejection.ts'

test('ejections double from one second to half a minute', () => {
  let ejection: Ejection | null = null
  let now = 0
  const durations: number[] = []
  for (let index = 0; index < 7; index++) {
    ejection = eject(ejection, now)
    durations.push(ejection.until - now)
    now = ejection.until
  }
  expect(durations).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
})

test('failures of requests that were under way together count once', () => {
  const ejection = eject(null, 0)
  expect(eject(ejection, 999)).toBe(ejection)
})
