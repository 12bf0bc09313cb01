import { expect, test } from 'vitest'
import { Activity } from '../../../src/proxy/versions/activity.ts'

const none = { version: 'v1', requests: 0, inFlight: 0, lastAccess: 0, statuses: [0, 0, 0, 0, 0] } as const

test('figures of several proxy processes add up', () => {
  const activity = new Activity(0)
  activity.add('a', { ...none, requests: 3, inFlight: 1, statuses: [0, 3, 0, 0, 0] }, 10)
  activity.add('b', { ...none, requests: 2, inFlight: 2, statuses: [0, 1, 0, 1, 0] }, 20)
  activity.add('a', { ...none, requests: 1, inFlight: 0, statuses: [0, 0, 0, 0, 1] }, 30)
  expect(activity).toMatchObject({ requests: 6, inFlight: 2, statuses: [0, 4, 0, 1, 1], lastAccess: 30 })
})

test('a stream that has ended counts as used until its end, not as idle since it began', () => {
  const activity = new Activity(0)
  activity.add('a', { ...none, inFlight: 1, lastAccess: 1_000 }, 1_000)
  activity.add('a', { ...none, requests: 1, inFlight: 0, lastAccess: 1_000 }, 60_000)
  expect(activity.lastAccess).toBe(60_000)
})

test('what a proxy process had in flight is gone with it', () => {
  const activity = new Activity(0)
  activity.add('a', { ...none, inFlight: 5 }, 10)
  activity.remove('a')
  expect(activity.inFlight).toBe(0)
})

test('what gets more workers, or fewer, does not count as idle since before, and nobody has asked for it', () => {
  const activity = new Activity(0)
  activity.touch(50)
  expect(activity).toMatchObject({ lastAccess: 50, lastRequest: null })
  activity.add('a', { ...none, requests: 1 }, 60)
  activity.touch(70)
  expect(activity).toMatchObject({ lastAccess: 70, lastRequest: 60 })
})
