import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CserviceError } from '../../../src/common/errors.ts'
import { parseConfig } from '../../../src/proxy/config/load-config.ts'
import { digestOf } from '../../../src/proxy/routing/access/preview-lock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const file = '/srv/app/proxy.json'
const parse = (value: object, path = file) => parseConfig(JSON.stringify(value), path)

function problem(value: object, path = file): string {
  try {
    parse(value, path)
  } catch (error) {
    if (error instanceof CserviceError && error.code === 'CONFIG_INVALID') return error.message
    throw error
  }
  throw new Error(`${JSON.stringify(value)} was accepted`)
}

test('without these keys the header alone names versions, and everybody may start them', () => {
  const { selection, access } = parse({}).config
  expect(selection).toEqual({ aliases: [], query: null, cookie: null, host: null, path: null })
  expect(access).toEqual({ allow: null, rate: null, previews: [] })
})

test('each way of naming a version is a key', () => {
  const { config, warnings } = parse({
    aliases: { next: '^3.0.0-rc', stable: 'v2', newest: 'latest' },
    versionQuery: 'v',
    versionCookie: 'app-version',
    versionHost: '{version}.Preview.example.com',
    versionPathPrefix: '/_v/{version}',
  })
  expect(warnings).toEqual([])
  expect(config.selection).toEqual({
    aliases: [
      ['next', '^3.0.0-rc'],
      ['stable', 'v2'],
      ['newest', 'latest'],
    ],
    query: 'v',
    cookie: 'app-version',
    host: '{version}.preview.example.com',
    path: { before: '/_v/', keep: false },
  })
  const kept = parse({ versionPathPrefix: { prefix: '/app-{version}', keep: true } })
  expect(kept.config.selection.path).toEqual({ before: '/app-', keep: true })
})

test.each([
  [{ aliases: { 'a b': 'v2' } }, 'aliases'],
  [{ aliases: { next: '^3 or so' } }, 'aliases.next'],
  [{ aliases: { next: '>=1.x.2.3' } }, 'aliases.next'],
  [{ aliases: { next: `>=${'1'.repeat(70)}` } }, 'aliases.next'],
  [{ aliases: ['v2'] }, 'aliases'],
  [{ versionQuery: 'a b' }, 'versionQuery'],
  [{ versionQuery: '' }, 'versionQuery'],
  [{ versionCookie: 'a=b' }, 'versionCookie'],
  [{ versionHost: 'preview.example.com' }, 'versionHost'],
  [{ versionHost: '{version}' }, 'versionHost'],
  [{ versionHost: '{version}.{version}.com' }, 'versionHost'],
  [{ versionHost: '{version}.example.com:80' }, 'versionHost'],
  [{ versionPathPrefix: '/{version}' }, 'versionPathPrefix'],
  [{ versionPathPrefix: '/_v/{version}/a' }, 'versionPathPrefix'],
  [{ versionPathPrefix: '_v/{version}' }, 'versionPathPrefix'],
  [{ versionPathPrefix: { keep: true } }, 'versionPathPrefix'],
  [{ onDemand: { allow: 'v*' } }, 'onDemand.allow'],
  [{ onDemand: { allow: ['v[1-9]'] } }, 'onDemand.allow[0]'],
  [{ onDemand: { rate: '10' } }, 'onDemand.rate'],
  [{ onDemand: { rate: '0/m' } }, 'onDemand.rate'],
  [{ onDemand: false }, 'onDemand'],
  [{ versionHeader: 'Cookie' }, 'versionHeader'],
  [{ versionHeader: 'x-preview-key' }, 'versionHeader'],
  [{ versionQuery: 'preview-key' }, 'versionQuery'],
  [{ versionCookie: 'cservice-pin', skew: true }, 'versionCookie'],
])('%j is refused at %s', (value, path) => {
  expect(problem(value)).toMatch(new RegExp(`:1:\\d+ ${path.replace(/[.[\]]/g, '\\$&')}[: .[]`))
})

test.each([
  [
    { onDemand: { rate: '10' } },
    'onDemand.rate: found "10", allowed: starts in a second, minute or hour, such as "10/m", "1/s" or "100/h"',
  ],
  [{ skew: { maxAge: '1d' } }, 'skew.maxAge: found "1d", allowed: a number of seconds from 1 to 2000000'],
  [
    { versionPathPrefix: { prefx: '/_v/' } },
    'versionPathPrefix.prefix: found nothing, allowed: a path that ends with {version}, such as "/_v/{version}"',
  ],
  [{ rollout: { version: 'v2', steps: [10, 5] } }, 'rollout.steps[1]: found 5, allowed: more than the step before, 10'],
])('what is wrong inside is told of where it stands, with what is allowed there: %j', (value, message) => {
  expect(problem(value).split('\n')).toEqual([expect.any(String), expect.stringMatching(/:1:\d+ /)])
  expect(problem(value).endsWith(message)).toBe(true)
})

test('what is wrong with one of several preview keys is told of there', () => {
  expect(problem({ previewKey: { 'v*': { fil: 'a' } } })).toMatch(
    / previewKey\["v\*"\]: found an object, allowed: a key /,
  )
})

test('unknown keys are warned of, inside as well', () => {
  const { warnings } = parse({
    onDemand: { alow: ['v*'] },
    versionPathPrefix: { prefix: '/_v/{version}', kep: true },
  })
  expect(warnings.map(({ path }) => path)).toEqual(['onDemand.alow', 'versionPathPrefix.kep'])
})

test('onDemand says which, and how many in which time', () => {
  const { access } = parse({ onDemand: { allow: ['v*', 'main'], rate: '10/m' } }).config
  expect(access).toMatchObject({ allow: ['v*', 'main'], rate: { count: 10, period: 60_000 } })
  expect(parse({ onDemand: { allow: ['v1', '*'], rate: '3/h' } }).config.access).toMatchObject({
    allow: null,
    rate: { count: 3, period: 3_600_000 },
  })
})

describe('previewKey', () => {
  const key = 'correct-horse-battery'
  const digest = digestOf(key).toString('base64')

  test('is one key for all, or one for each pattern, in the order of the file; only digests are kept', () => {
    expect(parse({ previewKey: key }).config.access.previews).toEqual([{ versions: '*', digest }])
    const { previews } = parse({ previewKey: { 'v3*': 'another-key-for-v3', 'v*': key } }).config.access
    expect(previews.map(({ versions }) => versions)).toEqual(['v3*', 'v*'])
    expect(previews[1]?.digest).toBe(digest)
  })

  test('may stand in a file beside proxy.json', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'key.txt'), `${key}\n`)
    const path = join(folder, 'proxy.json')
    expect(parse({ previewKey: { file: 'key.txt' } }, path).config.access.previews).toEqual([{ versions: '*', digest }])
    const one = parse({ previewKey: { 'v*': { file: './key.txt' }, main: key } }, path)
    expect(one.config.access.previews).toEqual([
      { versions: 'v*', digest },
      { versions: 'main', digest },
    ])
    expect(problem({ previewKey: { file: 'none.txt' } }, path)).toMatch(/:1:\d+ previewKey: found .*none\.txt.*ENOENT/)
    writeFileSync(join(folder, 'key.txt'), 'short')
    expect(problem({ previewKey: { 'v*': { file: 'key.txt' } } }, path)).toMatch(/holds none, allowed: a file/)
  })

  test.each([['short'], [`${key} with blanks`], [17], [{ 'v*': 'short' }], [{ 'v[': key }], [[key]], [{ file: 17 }]])(
    '%j is refused, and never shown',
    (previewKey) => {
      const message = problem({ previewKey })
      expect(message).toMatch(/previewKey/)
      expect(message).not.toMatch(/short|correct-horse/)
    },
  )
})
