import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SelectableRequest } from '../../../../src/proxy/routing/selection.ts'
import { PinSeal } from '../../../../src/proxy/routing/skew/pin.ts'
import { SkewPolicy } from '../../../../src/proxy/routing/skew/skew-policy.ts'

const key = Buffer.alloc(32, 7)
const seal = new PinSeal(key)
const maxAge = 1_000
const policy = new SkewPolicy({ cookie: 'pin', maxAge, key: key.toString('base64'), isSecure: true })
const now = 1_800_000_000
const versions = { has: (name: string) => /^v[1-4]$/.test(name), lapsed: new Set(['v1']) }
const document = { 'sec-fetch-dest': 'document' }

function request(headers: Record<string, string>, target = '/', method = 'GET'): SelectableRequest {
  const header = (name: string): string[] => (name in headers ? [headers[name] as string] : [])
  return { versionHeaders: [], method, target, host: 'example.test', address: '127.0.0.1', header }
}

const pinned = (version: string, since = now): { cookie: string } => ({
  cookie: `a=b; pin=${seal.seal({ version, since })}; c=d`,
})

test('what a page loads and fetches goes to the version of the page', () => {
  for (const destination of ['script', 'style', 'empty', 'image']) {
    const asset = request({ 'sec-fetch-dest': destination, ...pinned('v3') }, '/a.js')
    expect(policy.choose(asset, versions, now)).toEqual({ version: 'v3', by: 'sticky' })
    expect(policy.pin(asset, { version: 'v3', by: 'sticky' }, now)).toBeNull()
  }
  expect(policy.choose(request({ accept: '*/*', ...pinned('v3') }), versions, now)).toMatchObject({ version: 'v3' })
})

test('a page goes where anybody would go, and is pinned to it', () => {
  for (const headers of [document, { accept: 'text/html,application/xhtml+xml' }]) {
    const page = request({ ...headers, ...pinned('v3') })
    expect(policy.choose(page, versions, now)).toBeNull()
    const cookie = policy.pin(page, { version: 'v4', by: 'live' }, now)
    expect(cookie).toBe(
      `pin=${seal.seal({ version: 'v4', since: now })}; Path=/; Max-Age=1000; HttpOnly; SameSite=Lax; Secure`,
    )
  }
})

test('a form goes to the version that has written it', () => {
  const form = request({ ...document, ...pinned('v3') }, '/', 'POST')
  expect(policy.choose(form, versions, now)).toEqual({ version: 'v3', by: 'sticky' })
})

test('a pin is renewed by a page when a quarter of its time has passed, and not before', () => {
  const pin = (since: number): string | null =>
    policy.pin(request({ ...document, ...pinned('v4', since) }), { version: 'v4', by: 'live' }, now)
  expect(pin(now - 249)).toBeNull()
  expect(pin(now - 250)).not.toBeNull()
})

test('a version that is gone, not kept any more, or pinned too long ago, is lost', () => {
  const choose = (version: string, since = now): unknown =>
    policy.choose(request(pinned(version, since)), versions, now)
  expect(choose('gone')).toEqual({ lost: 'gone' })
  expect(choose('v1')).toEqual({ lost: 'v1' })
  expect(choose('v3', now - maxAge)).toEqual({ lost: 'v3' })
  expect(choose('v3', now - maxAge + 1)).toEqual({ version: 'v3', by: 'sticky' })
})

test('a client that says what it was built as is believed before its cookie, if there is such a version', () => {
  const choose = (headers: Record<string, string>, target = '/'): unknown =>
    policy.choose(request({ ...headers, ...pinned('v4') }, target), versions, now)
  expect(choose({ 'x-deployment-id': 'v2' }, '/?dpl=v3')).toEqual({ version: 'v2', by: 'header' })
  expect(choose({ 'x-deployment-id': 'gone' }, '/a?x=1&dpl=v3')).toEqual({ version: 'v3', by: 'query' })
  expect(choose({}, '/?dpl=v%33')).toEqual({ version: 'v3', by: 'query' })
  for (const target of ['/?dpl=v2&dpl=v3', '/?dpl=gone', '/?xdpl=v3', '/dpl=v3', '/?dpl=']) {
    expect(choose({}, target)).toEqual({ version: 'v4', by: 'sticky' })
  }
})

test('a page that was asked for with a version in a header is not pinned: its client names the version itself', () => {
  expect(policy.pin(request(document), { version: 'v2', by: 'header' }, now)).toBeNull()
  expect(policy.pin(request(document), { version: 'v2', by: 'query' }, now)).toContain('pin=v2.')
})

test('every pin is read as it was written, and nothing else is one', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/)
  const time = fc.nat()
  fc.assert(
    fc.property(name, time, fc.nat(), fc.integer({ min: 1, max: 255 }), (version, since, position, change) => {
      const value = seal.seal({ version, since })
      expect(new PinSeal(key).open(value)).toEqual({ version, since })
      expect(new PinSeal(Buffer.alloc(32, 8)).open(value)).toBeNull()
      const bytes = Buffer.from(value, 'latin1')
      bytes[position % bytes.length] = (bytes[position % bytes.length] ?? 0) ^ change
      const forged = new PinSeal(key).open(bytes.toString('latin1'))
      // Base64 has spare bits in its last letter: the same signature may be written in several ways.
      if (forged !== null) expect(forged).toEqual({ version, since })
    }),
  )
  fc.assert(
    fc.property(fc.string(), (value) => {
      expect(seal.open(value)).toBeNull()
    }),
  )
})
