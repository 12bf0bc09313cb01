import fc from 'fast-check'
import { expect, test } from 'vitest'
import { murmur3, placeOf, saltOf } from '../../../src/proxy/routing/rollout-share.ts'
import { rollout } from '../../../src/proxy/routing/selectors/rollout.ts'
import { asking } from './asking.ts'

const keys = Array.from({ length: 100_000 }, (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`)

test('the hash is MurmurHash3 for 32 bits, by its known answers', () => {
  expect(murmur3('', 0)).toBe(0)
  expect(murmur3('', 1)).toBe(0x514e28b7)
  expect(murmur3('', 0xffffffff)).toBe(0x81f16f39)
  expect(murmur3('test', 0)).toBe(0xba6bd213)
  expect(murmur3('test', 0x9747b28c)).toBe(0x704b81dc)
  expect(murmur3('Hello, world!', 0)).toBe(0xc0363e43)
  expect(murmur3('Hello, world!', 0x9747b28c)).toBe(0x24884cba)
  expect(murmur3('The quick brown fox jumps over the lazy dog', 0)).toBe(0x2e4ff723)
  expect(murmur3('\xff\xff\xff\xff', 0)).toBe(0x76293b50)
})

test('a share takes in that part of 100,000 clients, within one percent of all', () => {
  for (const version of ['v4', '2.10.0', 'next']) {
    const salt = saltOf(version)
    const places = keys.map((key) => placeOf(key, salt))
    for (const share of [0.01, 0.1, 0.25, 0.5, 0.9]) {
      const taken = places.filter((place) => place < share).length / keys.length
      expect(Math.abs(taken - share)).toBeLessThan(0.01)
    }
  }
})

test('a larger share takes nobody out, and the whole takes everybody', () => {
  const shares = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(fc.string(), fc.string(), shares, shares, (key, version, one, other) => {
      const isIn = (share: number) =>
        rollout({ version, share, key: 'header:x-user' }).read(asking({ headers: { 'x-user': key } })) === version
      expect(isIn(1)).toBe(true)
      if (isIn(Math.min(one, other))) expect(isIn(Math.max(one, other))).toBe(true)
    }),
  )
})

test('each rollout tries another part of the clients', () => {
  const first = new Set(keys.filter((key) => placeOf(key, saltOf('v4')) < 0.1))
  const second = keys.filter((key) => placeOf(key, saltOf('v5')) < 0.1)
  const both = second.filter((key) => first.has(key)).length / second.length
  expect(both).toBeGreaterThan(0.08)
  expect(both).toBeLessThan(0.12)
})

test('a client is told by its address, or by a cookie or header, and by its address where it has none', () => {
  const place = (key: string, request: Parameters<typeof asking>[0]) => {
    // The share at which it is taken in.
    let [from, to] = [0, 1]
    for (let step = 0; step < 32; step++) {
      const share = (from + to) / 2
      if (rollout({ version: 'v4', share, key }).read(asking(request)) === null) from = share
      else to = share
    }
    return Math.round(from * 1e6)
  }
  const is = (text: string) => Math.round(placeOf(text, saltOf('v4')) * 1e6)
  const address = '192.0.2.7'
  const headers = { cookie: ['a=1; user=anna', 'user=bert'], 'x-user': 'carl' }
  expect(place('address', { address, headers })).toBe(is(address))
  expect(place('cookie:user', { address, headers })).toBe(is('anna'))
  expect(place('cookie:User', { address, headers })).toBe(is(address))
  expect(place('header:X-User', { address, headers })).toBe(is('carl'))
  expect(place('header:x-other', { address, headers })).toBe(is(address))
  expect(place('cookie:empty', { address, headers: { cookie: 'empty=' } })).toBe(is(address))
})
