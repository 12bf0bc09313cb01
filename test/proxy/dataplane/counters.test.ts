import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Counters } from '../../../src/proxy/dataplane/counters.ts'
import type { VersionCounters } from '../../../src/proxy/messages.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

test('counts travel at most twice a second, and only where something changed', () => {
  const batches: Array<readonly VersionCounters[]> = []
  const counters = new Counters((versions) => batches.push(versions))
  for (let index = 0; index < 100; index++) counters.enter('v1')
  vi.advanceTimersByTime(50)
  expect(batches).toMatchObject([[{ version: 'v1', requests: 0, inFlight: 100, lastAccess: 1_000_000 }]])
  for (let index = 0; index < 99; index++) counters.leave('v1', index < 90 ? 200 : 503)
  counters.enter('v2')
  vi.advanceTimersByTime(499)
  expect(batches.length).toBe(1)
  vi.advanceTimersByTime(1)
  expect(batches[1]).toMatchObject([
    { version: 'v1', requests: 99, inFlight: 1, statuses: [0, 90, 0, 0, 9] },
    { version: 'v2', inFlight: 1 },
  ])
  vi.advanceTimersByTime(10_000)
  expect(batches.length).toBe(2)
  counters.leave('v1', 0)
  vi.advanceTimersByTime(1_000)
  expect(batches[2]).toMatchObject([{ version: 'v1', requests: 1, inFlight: 0, statuses: [0, 0, 0, 0, 0] }])
})

test('a request that is over before the first report was never in flight, as far as anybody is told', () => {
  const batches: Array<readonly VersionCounters[]> = []
  const counters = new Counters((versions) => batches.push(versions))
  counters.enter('v1')
  counters.leave('v1', 200)
  vi.advanceTimersByTime(1_000)
  expect(batches).toMatchObject([[{ version: 'v1', requests: 1, inFlight: 0 }]])
})
