import { describe, expect, test } from 'vitest'
import { digestOf } from '../../../../src/proxy/routing/access/preview-lock.ts'
import { withMaskedCookie } from '../../../../src/proxy/routing/access/preview-traces.ts'
import { makeSelector } from '../../../../src/proxy/routing/make-selector.ts'
import { type Route, RouteTable } from '../../../../src/proxy/routing/route-table.ts'
import type { SelectableRequest } from '../../../../src/proxy/routing/selection.ts'
import { type AccessSettings, headerOnly } from '../../../../src/proxy/routing/selection-settings.ts'
import type { SelectionStep } from '../../../../src/proxy/routing/version-selector.ts'
import { asking } from '../asking.ts'

const targets = [{ id: 'w', host: '127.0.0.1', port: 1 }]
const routes: Record<string, Route> = {
  v1: { state: 'cold', attempt: 0, targets: [] },
  v2: { state: 'cold', attempt: 0, targets: [] },
  v3: { state: 'ready', attempt: 1, targets },
  v4: { state: 'starting', attempt: 1, targets: [] },
  v5: { state: 'failed', attempt: 1, targets: [], retryAt: 0 },
  other: { state: 'ready', attempt: 1, targets },
}
const table = new RouteTable({ epoch: 1, live: 'v1', versions: Object.entries(routes) })
const key = 'correct-horse-battery'
const preview = (versions: string, text: string) => ({ versions, digest: digestOf(text).toString('base64') })

function selectorWith(access: Partial<AccessSettings>) {
  const settings = { ...headerOnly, query: 'version', path: { before: '/_v/', keep: false } }
  return makeSelector({ ...settings, access: { onDemand: null, previews: [], isSecure: true, ...access } }, table)
}

function chooser(access: Partial<AccessSettings>) {
  const selector = selectorWith(access)
  return (version: string | null, request: Parameters<typeof asking>[0] = {}) => {
    const selection = selector.select(asking({ versionHeaders: version === null ? [] : [version], ...request }))
    return 'error' in selection ? selection.error : selection.version
  }
}

describe('onDemand.allow', () => {
  test('a version that is not allowed and does not run is none; one that runs or is being started is', () => {
    const choose = chooser({ onDemand: ['other', 'v9'] })
    expect(['v2', 'v5'].map((name) => choose(name))).toEqual(['UNKNOWN_VERSION', 'UNKNOWN_VERSION'])
    expect(['v3', 'v4', 'other'].map((name) => choose(name))).toEqual(['v3', 'v4', 'other'])
  })

  test('patterns allow it, and the live version is always allowed', () => {
    const choose = chooser({ onDemand: ['v[1-9]', 'v?'] })
    expect(choose('v2')).toBe('v2')
    const closed = chooser({ onDemand: [] })
    expect(closed('v1')).toBe('v1')
    expect(closed(null)).toBe('v1')
    expect(closed('v2')).toBe('UNKNOWN_VERSION')
  })
})

describe('previewKey', () => {
  const choose = chooser({ previews: [preview('v3', 'the-key-of-v3-alone'), preview('v*', key)] })

  test('without the key there is no version but the live one, and those that need none', () => {
    expect(choose(null)).toBe('v1')
    expect(choose('v1')).toBe('v1')
    expect(choose('other')).toBe('other')
    for (const version of ['v2', 'v3', 'v4']) expect(choose(version)).toBe('UNKNOWN_VERSION')
  })

  test('the key opens, in a header or in the query, and the first pattern that fits counts', () => {
    expect(choose('v2', { headers: { 'x-preview-key': key } })).toBe('v2')
    expect(choose('v2', { target: `/?preview-key=${key}` })).toBe('v2')
    expect(choose('v2', { target: `/?a&preview-key=%63${key.slice(1)}&b` })).toBe('v2')
    expect(choose('v2', { target: `/?a&preview%2dkey=${key}` })).toBe('v2')
    expect(choose('v3', { headers: { 'x-preview-key': key } })).toBe('UNKNOWN_VERSION')
    expect(choose('v3', { headers: { 'x-preview-key': 'the-key-of-v3-alone' } })).toBe('v3')
  })

  test.each([
    ['another key', { headers: { 'x-preview-key': `${key}x` } }],
    ['no key', { headers: { 'x-preview-key': '' } }],
    ['two keys', { headers: { 'x-preview-key': [key, key] } }],
    ['two keys in the query', { target: `/?preview-key=${key}&preview-key=${key}` }],
    ['two keys in the query, one with its name encoded', { target: `/?preview-key=${key}&preview%2Dkey=${key}` }],
    ['its name in other letters', { target: `/?Preview-Key=${key}` }],
    ['the digest of the key', { headers: { 'x-preview-key': digestOf(key).toString('base64') } }],
    ['the key as a cookie', { headers: { cookie: `cservice-preview=${key}` } }],
  ])('%s does not open', (_what, request) => {
    expect(choose('v2', request)).toBe('UNKNOWN_VERSION')
  })

  test('whoever has shown it in the query gets a cookie that opens as well, and is not the key', () => {
    const selector = selectorWith({ previews: [preview('v*', key)] })
    const first = selector.select(asking({ target: `/a?preview-key=${key}&version=v2` }))
    if ('error' in first) throw new Error(first.error)
    const [cookie = '', ...others] = first.cookies
    expect(others).toEqual([])
    expect(cookie).toMatch(/^cservice-preview-[0-9a-f]{8}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
    expect(cookie).not.toContain(key)
    expect(withMaskedCookie(cookie)).toMatch(
      /^cservice-preview-[0-9a-f]{8}=\*\*\*; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    )
    expect(withMaskedCookie('own=1; Path=/')).toBe('own=1; Path=/')
    expect(cookie).not.toContain(digestOf(key).toString('base64url'))
    const second = asking({ target: '/b?version=v2', headers: { cookie: `a=b; ${cookie.split(';')[0]}` } })
    expect(selector.select(second)).toMatchObject({ version: 'v2', cookies: [] })
    expect(choose('v3', { headers: { cookie: cookie.split(';')[0] ?? '' } })).toBe('UNKNOWN_VERSION')
    const changed = selectorWith({ previews: [preview('v*', `${key}-2`)] })
    expect(changed.select(second)).toEqual({ error: 'UNKNOWN_VERSION' })
  })

  test('a key in a header brings no cookie, nor does one that was not needed', () => {
    const selector = selectorWith({ previews: [preview('v*', key)] })
    for (const request of [
      { versionHeaders: ['v2'], headers: { 'x-preview-key': key } },
      { versionHeaders: ['other'], target: `/?preview-key=${key}` },
      { target: `/?preview-key=${key}` },
    ]) {
      expect(selector.select(asking(request))).toMatchObject({ cookies: [] })
    }
  })

  test('no worker gets a key, nor our cookie, not even that of the live version', () => {
    const selector = selectorWith({ previews: [preview('v*', key)] })
    const select = (request: Parameters<typeof asking>[0]): ReturnType<typeof selector.select> =>
      selector.select(asking(request))
    expect(select({ target: `/a?preview-key=${key}` })).toMatchObject({ version: 'v1', target: '/a' })
    expect(select({ target: `/a?x=1&preview-key=${key}&y&preview-key` })).toMatchObject({ target: '/a?x=1&y' })
    expect(select({ target: `/_v/other/a?preview-key=${key}` })).toMatchObject({ target: '/a', prefix: '/_v/other' })
    expect(select({ target: `/a?x%3d=%20&preview%2Dkey=${key}` })).toMatchObject({ target: '/a?x%3d=%20' })
    expect(select({ target: `/a?%70%72%65%76%69%65%77%2d%6b%65%79=${key}` })).toMatchObject({ target: '/a' })
    expect(select({ target: '/a?preview%252Dkey=1&preview%key=2&%' })).toMatchObject({ target: null, replaced: [] })
    expect(select({ target: '/a?xpreview-key=1' })).toMatchObject({ target: null, replaced: [] })
    const headers = {
      'x-preview-key': key,
      cookie: 'a=b; cservice-preview-01234567=abc; c=d',
      referer: `https://example.test/p?preview-key=${key}&q`,
    }
    expect(select({ headers })).toMatchObject({
      replaced: [
        ['x-preview-key', null],
        ['cookie', 'a=b; c=d'],
        ['referer', 'https://example.test/p?q'],
      ],
    })
    expect(select({ headers: { cookie: 'cservice-preview-01234567=abc' } })).toMatchObject({
      replaced: [['cookie', null]],
    })
  })

  test('the reason is told to whoever may ask for it, and only that', () => {
    const reasons = (access: Partial<AccessSettings>, request: SelectableRequest) => {
      const steps: SelectionStep[] = []
      selectorWith(access).select(request, (step) => steps.push(step))
      return steps
    }
    const named = asking({ versionHeaders: ['v2'], headers: { 'x-preview-key': 'wrong' } })
    expect(reasons({ previews: [preview('*', key)] }, named)).toEqual([
      { selector: 'header', found: 'v2', result: 'v2' },
      { selector: 'access', found: 'v2', result: 'its preview key is missing or wrong' },
    ])
    expect(reasons({ onDemand: [] }, named).at(-1)).toMatchObject({ result: expect.stringMatching(/onDemand/) })
  })
})

test('a deployment id that may not be followed is as if it were not there', () => {
  const skew = { cookie: 'pin', maxAge: 60, key: Buffer.alloc(32).toString('base64'), isSecure: true }
  const access = { onDemand: null, previews: [preview('*', key)], isSecure: true }
  const selector = makeSelector({ ...headerOnly, access, skew }, table)
  expect(selector.select(asking({ headers: { 'x-deployment-id': 'v3' } }))).toMatchObject({ version: 'v1', by: 'live' })
  const open = asking({ headers: { 'x-deployment-id': 'v3', 'x-preview-key': key } })
  expect(selector.select(open)).toMatchObject({ version: 'v3', by: 'header' })
})

test('nobody finds out by a range, an alias or a label that there is a version which he may not reach', () => {
  const cold: Route = { state: 'cold', attempt: 0, targets: [] }
  const names = ['1.0.0', '1.5.0', '1-5-0', 'stable', '2.0.0']
  const catalog = new RouteTable({ epoch: 1, live: '1.0.0', versions: names.map((name) => [name, cold]) })
  const settings = { ...headerOnly, host: '{version}.example.test', aliases: [['stable', '1.0.0']] as const }
  const hidden = ['1-5-0', 'stable', '2.0.0'].map((name) => preview(name, key))
  const access = { onDemand: null, previews: hidden, isSecure: true }
  const selector = makeSelector({ ...settings, access }, catalog)
  const of = (request: Parameters<typeof asking>[0]) => selector.select(asking(request))
  const headers = { 'x-preview-key': key }
  expect(of({ versionHeaders: ['1.0.0 || 2.0.0'] })).toMatchObject({ version: '1.0.0' })
  expect(of({ versionHeaders: ['latest'] })).toMatchObject({ version: '1.5.0' })
  expect(of({ versionHeaders: ['latest'], headers })).toMatchObject({ version: '2.0.0' })
  expect(of({ versionHeaders: ['stable'] })).toMatchObject({ version: '1.0.0' })
  expect(of({ versionHeaders: ['stable'], headers })).toMatchObject({ version: 'stable' })
  expect(of({ host: '1-5-0.example.test' })).toMatchObject({ version: '1.5.0' })
  expect(of({ versionHeaders: ['2'] })).toEqual({ error: 'UNKNOWN_VERSION' })
})
