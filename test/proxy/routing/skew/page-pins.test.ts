import { expect, test } from 'vitest'
import { makeSelector } from '../../../../src/proxy/routing/make-selector.ts'
import { RouteTable } from '../../../../src/proxy/routing/route-table.ts'
import { headerOnly } from '../../../../src/proxy/routing/selection-settings.ts'
import { PinSeal } from '../../../../src/proxy/routing/skew/pin.ts'
import { asking } from '../asking.ts'

const key = Buffer.alloc(32, 7)
const seal = new PinSeal(key)
const maxAge = 1_000
const cold = { state: 'cold', attempt: 0, targets: [] } as const
const table = new RouteTable({
  epoch: 1,
  live: 'v4',
  lapsed: ['v1'],
  versions: ['v1', 'v2', 'v3', 'v4'].map((name) => [name, cold] as const),
})
const skew = { cookie: 'pin', maxAge, key: key.toString('base64'), isSecure: true }
const selector = makeSelector({ ...headerOnly, skew }, table)
const document = { 'sec-fetch-dest': 'document' }
const now = (): number => Math.floor(Date.now() / 1_000)

const pinned = (version: string, since = now()): { cookie: string } => ({
  cookie: `a=b; pin=${seal.seal({ version, since })}; c=d`,
})
const select = (headers: Record<string, string>, target = '/', method = 'GET') =>
  selector.select(asking({ headers, target, method }))

test('what a page loads and fetches goes to the version of the page', () => {
  for (const destination of ['script', 'style', 'empty', 'image', 'worker']) {
    const selection = select({ 'sec-fetch-dest': destination, ...pinned('v3') }, '/a.js')
    expect(selection).toMatchObject({ version: 'v3', by: 'sticky', cookies: [], lost: null })
  }
  expect(select({ accept: '*/*', ...pinned('v3') })).toMatchObject({ version: 'v3', by: 'sticky' })
})

test('a page goes where anybody would go, and is pinned to it', () => {
  for (const headers of [document, { accept: 'text/html,application/xhtml+xml' }]) {
    const selection = select({ ...headers, ...pinned('v3') })
    expect(selection).toMatchObject({ version: 'v4', by: 'live', lost: null })
    const [cookie = '', ...others] = 'cookies' in selection ? selection.cookies : []
    expect(others).toEqual([])
    expect(cookie).toMatch(/^pin=v4\.[0-9a-z]+\.[\w-]{22}; Path=\/; Max-Age=1000; HttpOnly; SameSite=Lax; Secure$/)
    expect(seal.open(/=([^;]+)/.exec(cookie)?.[1] ?? '')?.version).toBe('v4')
  }
})

test('without HTTPS the cookie is not for HTTPS alone', () => {
  const plain = makeSelector({ ...headerOnly, skew: { ...skew, isSecure: false } }, table).select(
    asking({ headers: document }),
  )
  expect('cookies' in plain && plain.cookies[0]).toMatch(/; SameSite=Lax$/)
})

test('a page that another one fetches ahead of need belongs to that one, and pins nothing', () => {
  const selection = select({ ...document, 'sec-purpose': 'prefetch;prerender', ...pinned('v3') })
  expect(selection).toMatchObject({ version: 'v3', by: 'sticky', cookies: [] })
})

test('a form goes to the version that has written it, and its answer is pinned to that', () => {
  expect(select({ ...document, ...pinned('v3') }, '/', 'POST')).toMatchObject({ version: 'v3', by: 'sticky' })
})

test('a pin is renewed by a page when a quarter of its time has passed, and not before', () => {
  expect(select({ ...document, ...pinned('v4', now() - 200) })).toMatchObject({ cookies: [] })
  expect(select({ ...document, ...pinned('v4', now() - 251) })).toMatchObject({ cookies: [expect.any(String)] })
})

test('who is pinned to a version that is gone, not kept any more, or too old, gets the live one, and is told', () => {
  expect(select(pinned('gone'))).toMatchObject({ version: 'v4', by: 'live', lost: 'gone', cookies: [] })
  expect(select(pinned('v1'))).toMatchObject({ version: 'v4', by: 'live', lost: 'v1' })
  expect(select(pinned('v3', now() - maxAge - 1))).toMatchObject({ version: 'v4', by: 'live', lost: 'v3' })
  expect(select(pinned('v3', now() - maxAge + 60))).toMatchObject({ version: 'v3', by: 'sticky', lost: null })
})

test('a pin that we have not signed is none', () => {
  expect(select({ cookie: 'pin=v2.abc.AAAAAAAAAAAAAAAAAAAAAA' })).toMatchObject({ version: 'v4', lost: null })
})

test('a client that says what it was built as is believed before its cookie, if there is such a version', () => {
  const choose = (headers: Record<string, string>, target: string) => select({ ...headers, ...pinned('v4') }, target)
  expect(choose({ 'x-deployment-id': 'v2' }, '/?dpl=v3')).toMatchObject({ version: 'v2', by: 'header' })
  expect(choose({ 'x-deployment-id': 'gone' }, '/a?x=1&dpl=v3')).toMatchObject({ version: 'v3', by: 'query' })
  expect(choose({}, '/?dpl=v%33')).toMatchObject({ version: 'v3', by: 'query' })
  for (const target of ['/?dpl=v2&dpl=v3', '/?dpl=gone', '/?xdpl=v3', '/dpl=v3', '/?dpl=']) {
    expect(choose({}, target)).toMatchObject({ version: 'v4', by: 'sticky' })
  }
})

test('the version header comes before everything, and pins nothing', () => {
  const request = asking({ versionHeaders: ['v2'], headers: { ...document, ...pinned('v3') }, target: '/?dpl=v3' })
  expect(selector.select(request)).toMatchObject({ version: 'v2', by: 'header', cookies: [] })
})

test('without skew protection a cookie and a deployment id are nobody’s business', () => {
  const request = asking({ headers: { ...pinned('v3'), 'x-deployment-id': 'v2' }, target: '/?dpl=v3' })
  expect(makeSelector(headerOnly, table).select(request)).toMatchObject({ version: 'v4', by: 'live' })
})

test('a head full of pins that are none of ours costs no more than a few of them', () => {
  const [, ours = ''] = pinned('v3').cookie.split('; ')
  const alien = 'pin=v3.1.AAAAAAAAAAAAAAAAAAAAAA'
  const script = { 'sec-fetch-dest': 'script' }
  expect(select({ ...script, cookie: `${alien}; ${ours}` })).toMatchObject({ version: 'v3', by: 'sticky' })
  expect(select({ ...script, cookie: `${alien}; ${alien}; ${ours}` })).toMatchObject({ version: 'v4', by: 'live' })
})
