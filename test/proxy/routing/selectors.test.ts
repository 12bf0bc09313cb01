import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeSelector } from '../../../src/proxy/routing/make-selector.ts'
import { type Route, RouteTable } from '../../../src/proxy/routing/route-table.ts'
import { type SelectableRequest, selectionOf } from '../../../src/proxy/routing/selection.ts'
import { headerOnly, type SelectionSettings } from '../../../src/proxy/routing/selection-settings.ts'
import { asking } from './asking.ts'

const cold: Route = { state: 'cold', attempt: 0, targets: [] }
const names = ['v1', 'v2', 'v2.4.0', 'v3.0.0-rc.1', 'Feature_X', '__proto__']
const table = new RouteTable({ epoch: 1, live: 'v1', versions: names.map((name) => [name, cold]) })

const all: SelectionSettings = {
  ...headerOnly,
  query: 'version',
  cookie: 'version',
  host: '{version}.preview.example.com',
  path: { before: '/_v/', keep: false },
}

/** `v2 by query`, or the error. */
function choose(settings: Partial<SelectionSettings>, request: SelectableRequest): string {
  const selection = makeSelector({ ...headerOnly, ...settings }, table).select(request)
  return 'error' in selection ? selection.error : `${selection.version} by ${selection.by}`
}

test('without opting in, only the header counts', () => {
  const request = asking({
    target: '/_v/v2/?version=v2',
    host: 'v2.preview.example.com',
    headers: { cookie: 'version=v2' },
  })
  expect(choose({}, request)).toBe('v1 by live')
})

test('the order is header, query, cookie, host, path, live', () => {
  const everything = {
    versionHeaders: ['v2'],
    target: '/_v/v2/?version=v2',
    host: 'v2.preview.example.com',
    headers: { cookie: 'version=v2' },
  }
  expect(choose(all, asking(everything))).toBe('v2 by header')
  expect(choose(all, asking({ ...everything, versionHeaders: [] }))).toBe('v2 by query')
  expect(choose(all, asking({ ...everything, versionHeaders: [], target: '/_v/v2/' }))).toBe('v2 by cookie')
  const { host, target } = { ...everything, target: '/_v/v2/' }
  expect(choose(all, asking({ host, target }))).toBe('v2 by host')
  expect(choose(all, asking({ target }))).toBe('v2 by path')
  expect(choose(all, asking())).toBe('v1 by live')
})

test('the first that states a version decides, also if there is no such version', () => {
  expect(choose(all, asking({ versionHeaders: ['v9'], target: '/?version=v2' }))).toBe('UNKNOWN_VERSION')
  expect(choose(all, asking({ target: '/?version=v9', headers: { cookie: 'version=v2' } }))).toBe('UNKNOWN_VERSION')
})

test('the exact name comes before an alias, that before a range', () => {
  const aliases = [
    ['v1', 'v2'],
    ['next', '^3.0.0-rc'],
    ['stable', 'v2'],
    ['2', 'v1'],
    ['gone', 'v9'],
    ['loop', 'stable'],
    ['latest', 'Feature_X'],
  ] as const
  const by = (name: string) => choose({ aliases }, asking({ versionHeaders: [name] }))
  expect(by('v1')).toBe('v1 by header')
  expect(by('next')).toBe('v3.0.0-rc.1 by header')
  expect(by('stable')).toBe('v2 by header')
  expect(by('2')).toBe('v1 by header')
  expect(by('2.x')).toBe('v2.4.0 by header')
  expect(by('latest')).toBe('Feature_X by header')
  for (const name of ['gone', 'loop', '__proto']) expect(by(name)).toBe('UNKNOWN_VERSION')
})

test('a live version is taken by its name, never as a range', () => {
  const selector = makeSelector(headerOnly, new RouteTable({ epoch: 1, live: '2', versions: [['v2.4.0', cold]] }))
  expect(selector.select(asking())).toEqual({ error: 'UNKNOWN_VERSION' })
})

describe('the query', () => {
  test.each([
    ['/?version=v2', 'v2 by query'],
    ['/a/b?x=1&version=v2&y', 'v2 by query'],
    ['/?version=%76%32', 'v2 by query'],
    ['/?%76ersion=v2', 'v2 by query'],
    ['/?version=%5E2', 'v2.4.0 by query'],
    ['/?version=>=2+<3', 'v2.4.0 by query'],
    ['/?version=', 'v1 by live'],
    ['/?version', 'v1 by live'],
    ['/?versions=v2', 'v1 by live'],
    ['/?Version=v2', 'v1 by live'],
    ['/version=v2', 'v1 by live'],
    ['/?a=version=v2', 'v1 by live'],
    ['*', 'v1 by live'],
    ['/?version=v2&version=v2', 'UNKNOWN_VERSION'],
    ['/?version=&version=v2', 'UNKNOWN_VERSION'],
    ['/?version=v2&%76ersion=v1', 'UNKNOWN_VERSION'],
    ['/?version=%zz', 'UNKNOWN_VERSION'],
    ['/?version=%ff', 'UNKNOWN_VERSION'],
    ['/?version=v2%00', 'UNKNOWN_VERSION'],
    ['/?version=v2;version=v1', 'UNKNOWN_VERSION'],
    ['/?version=../v2', 'UNKNOWN_VERSION'],
  ])('%s: %s', (target, expected) => {
    expect(choose(all, asking({ target }))).toBe(expected)
  })

  test('goes on to the worker as it came', () => {
    expect(makeSelector(all, table).select(asking({ target: '/?version=v2' }))).toMatchObject({ target: null })
  })
})

describe('the cookie', () => {
  test.each([
    ['version=v2', 'v2 by cookie'],
    ['a=b; version=v2; c=d', 'v2 by cookie'],
    ['a=b;version = v2 ', 'v2 by cookie'],
    ['version=%5E2', 'v2.4.0 by cookie'],
    ['version=', 'v1 by live'],
    ['version', 'v1 by live'],
    ['Version=v2', 'v1 by live'],
    ['xversion=v2', 'v1 by live'],
    ['a=version=v2', 'v1 by live'],
    ['version=v2; version=v2', 'UNKNOWN_VERSION'],
    ['version=; version=v2', 'UNKNOWN_VERSION'],
    ['version="v2"', 'UNKNOWN_VERSION'],
    ['version=%', 'UNKNOWN_VERSION'],
    ['version=v2=', 'UNKNOWN_VERSION'],
  ])('%s: %s', (cookie, expected) => {
    expect(choose(all, asking({ headers: { cookie } }))).toBe(expected)
  })

  test('two lines of cookies are one', () => {
    expect(choose(all, asking({ headers: { cookie: ['a=b', 'version=v2'] } }))).toBe('v2 by cookie')
    expect(choose(all, asking({ headers: { cookie: ['version=v2', 'version=v1'] } }))).toBe('UNKNOWN_VERSION')
  })
})

describe('the host', () => {
  test.each([
    ['v2.preview.example.com', 'v2 by host'],
    ['v2.preview.example.com:8443', 'v2 by host'],
    ['v2.preview.example.com:', 'v2 by host'],
    ['v2.preview.example.com.', 'v2 by host'],
    ['V2.Preview.EXAMPLE.com', 'v2 by host'],
    ['v2-4-0.preview.example.com', 'v2.4.0 by host'],
    ['v3-0-0-rc-1.preview.example.com', 'v3.0.0-rc.1 by host'],
    ['feature-x.preview.example.com', 'Feature_X by host'],
    ['2.preview.example.com', 'v2.4.0 by host'],
    ['latest.preview.example.com', 'v2.4.0 by host'],
    ['preview.example.com', 'v1 by live'],
    ['v2.example.com', 'v1 by live'],
    ['v2.preview.example.com.evil.test', 'v1 by live'],
    ['[::1]:80', 'v1 by live'],
    ['', 'v1 by live'],
    ['v9.preview.example.com', 'UNKNOWN_VERSION'],
    ['a.v2.preview.example.com', 'UNKNOWN_VERSION'],
    ['v2.4.0.preview.example.com', 'UNKNOWN_VERSION'],
    ['.preview.example.com', 'UNKNOWN_VERSION'],
    ['v%32.preview.example.com', 'UNKNOWN_VERSION'],
  ])('%s: %s', (host, expected) => {
    expect(choose(all, asking({ host }))).toBe(expected)
  })

  test('may have the name as a part of a label', () => {
    expect(choose({ host: 'app-{version}.example.com' }, asking({ host: 'app-v2.example.com' }))).toBe('v2 by host')
    expect(choose({ host: '{version}-app.test' }, asking({ host: 'v2-4-0-app.test' }))).toBe('v2.4.0 by host')
    expect(choose({ host: 'a{version}a' }, asking({ host: 'a' }))).toBe('v1 by live')
  })
})

describe('the path prefix', () => {
  test.each([
    ['/_v/v2/', 'v2', '/', '/_v/v2'],
    ['/_v/v2', 'v2', '/', '/_v/v2'],
    ['/_v/v2/a/b?c=/_v/v1/', 'v2', '/a/b?c=/_v/v1/', '/_v/v2'],
    ['/_v/v2?c', 'v2', '/?c', '/_v/v2'],
    ['/_v/%76%32/a', 'v2', '/a', '/_v/%76%32'],
    ['/_v/%5E2/a', 'v2.4.0', '/a', '/_v/%5E2'],
    ['/_v/v2/_v/v1/', 'v2', '/_v/v1/', '/_v/v2'],
    ['/_v/v2/../v1', 'v2', '/../v1', '/_v/v2'],
    ['/_v/v2//x', 'v2', '//x', '/_v/v2'],
  ])('%s is of %s, which gets %s', (target, version, rest, prefix) => {
    const selection = makeSelector(all, table).select(asking({ target }))
    expect(selection).toEqual({ ...selectionOf(version, 'path'), target: rest, prefix })
  })

  test.each(['/_v', '/a/_v/v2/', '/_V/v2/', '/', '*', '/?/_v/v2'])('%s has none', (target) => {
    expect(choose(all, asking({ target }))).toBe('v1 by live')
  })

  test.each(['/_v/', '/_v//v2', '/_v/v9/', '/_v/../v2', '/_v/%', '/_v/v2%2f', '/_v/?v2'])(
    '%s names no version',
    (target) => {
      expect(choose(all, asking({ target }))).toBe('UNKNOWN_VERSION')
    },
  )

  test('is left to the worker where the configuration says so', () => {
    const selector = makeSelector({ ...all, path: { before: '/_v/', keep: true } }, table)
    expect(selector.select(asking({ target: '/_v/v2/a' }))).toMatchObject({ version: 'v2', target: null, prefix: null })
  })
})

test('whatever a request says, what is selected is a version, and what the worker gets is a path', () => {
  const piece = fc.constantFrom(...names, '/', '/_v/', '?', '&', '=', 'version=', '%', '%2e', '^', ';', ' ', '..', '.')
  const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''))
  const request = fc.record({
    versionHeaders: fc.array(text, { maxLength: 2 }),
    target: text.map((rest) => `/${rest}`),
    host: fc.oneof(
      text,
      text.map((label) => `${label}.preview.example.com`),
    ),
    headers: fc.record({ cookie: fc.array(text, { maxLength: 2 }) }),
  })
  fc.assert(
    fc.property(request, (parts) => {
      const selection = makeSelector(all, table).select(asking(parts))
      if ('error' in selection) return
      expect(names).toContain(selection.version)
      if (selection.target !== null) {
        expect(selection.target.startsWith('/')).toBe(true)
        expect(`${selection.prefix}${selection.target}`.replace('/?', '?')).toBe(parts.target.replace('/?', '?'))
      }
    }),
    { numRuns: 2_000 },
  )
})
