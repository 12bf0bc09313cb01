import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FromProcess } from '../../src/common/channel-protocol.ts'
import { ReadinessRule, settleTime } from '../../src/supervisor/readiness-rule.ts'

const loaded: FromProcess = { type: 'loaded' }
const wait: FromProcess = { type: 'wait' }
const ready: FromProcess = { type: 'ready' }
const listening = (port: number, address = '::'): FromProcess => ({ type: 'listening', port, address, expected: true })

/** What the last of these messages leads to. */
function last(predecessor: readonly string[], ...messages: readonly FromProcess[]) {
  const rule = new ReadinessRule(predecessor)
  return { verdict: messages.map((message) => rule.take(message)).at(-1), rule }
}

test('a first worker is ready when its program has run and what it opened listens', () => {
  expect(last([], listening(3000)).verdict).toBe('not-yet')
  expect(last([], listening(3000), loaded).verdict).toBe('ready')
  expect(last([], loaded).verdict).toBe('ready')
})

test('a successor is ready when it listens wherever its predecessor does, and not before', () => {
  expect(last(['port 3000'], loaded).verdict).toBe('not-yet')
  expect(last(['port 3000'], loaded, listening(3000)).verdict).toBe('ready')
  expect(last(['port 3000', '/tmp/x'], loaded, listening(3000)).verdict).toBe('settle')
  expect(last(['port 3000', '/tmp/x'], loaded, listening(3000), listening(0, '/tmp/x')).verdict).toBe('ready')
})

test('one that opens other ports is given a while to open more', () => {
  expect(last(['port 3000'], loaded, listening(4000)).verdict).toBe('settle')
})

test('a while is twice as long as its predecessor took, within reason', () => {
  const times = [100, 3_000, 60_000].map((openedIn) => settleTime({ places: ['port 3000'], openedIn }))
  expect(times).toEqual([2_000, 6_000, 20_000])
})

test('what is missing is said', () => {
  expect(last(['port 3000', 'port 3001'], listening(3001)).rule.waitsFor).toBe(
    'listen on port 3000, as its predecessor does',
  )
  expect(last([], wait).rule.waitsFor).toBe('call workerReady()')
})

test('whatever else is said, a worker that asked for time is ready when it says so, and only then', () => {
  const message = fc.oneof(
    fc.constant(loaded),
    fc.integer({ min: 1, max: 3 }).map((port) => listening(port)),
  )
  const predecessor = fc.subarray(['port 1', 'port 2', 'port 3'])
  fc.assert(
    fc.property(predecessor, fc.array(message), (places, messages) => {
      const rule = new ReadinessRule(places)
      expect(rule.take(wait)).toBe('not-yet')
      for (const one of messages) expect(rule.take(one)).toBe('not-yet')
      expect(rule.take(ready)).toBe('ready')
    }),
  )
})

test('the order in which a worker opens its ports does not matter', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([1, 2, 3, 4], { minLength: 4 }), (ports) => {
      const { verdict } = last(
        ['port 1', 'port 2', 'port 3', 'port 4'],
        loaded,
        ...ports.map((port) => listening(port)),
      )
      expect(verdict).toBe('ready')
    }),
  )
})

test('a place that was closed again is none, and one that is open on another address still is', () => {
  const closed: FromProcess = { type: 'closed', port: 3000, address: '::' }
  expect(last([], loaded, listening(3000), closed).rule.places).toEqual([])
  expect(last([], loaded, listening(3000), listening(3000, '127.0.0.1'), closed).rule.places).toEqual(['port 3000'])
})
