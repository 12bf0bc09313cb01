import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../../src/proxy/routing/access/preview-lock.ts'
import type { Route } from '../../../src/proxy/routing/route-table.ts'
import { headerOnly } from '../../../src/proxy/routing/selection-settings.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { startWorker } from './harness.ts'
import { askIn, type LaneAnswer, type LaneName, lanes, startIn } from './lanes.ts'

const key = 'correct-horse-battery'
const cold: Route = { state: 'cold', attempt: 0, targets: [] }
const access = {
  onDemand: ['v3'],
  previews: [{ versions: 'v*', digest: digestOf(key).toString('base64') }],
  isSecure: false,
}
const selection = { ...headerOnly, query: 'version', access }

/** v1 is live; v2 runs and needs a key; cold ones: v4 needs one as well, `closed` may not be started. */
async function start(lane: LaneName, accessLog: string | null = null) {
  const telling = (name: string) =>
    startWorker((req, res) => {
      const { 'x-preview-key': header, cookie, referer } = req.headers
      res.setHeader('set-cookie', 'own=1').setHeader('etag', '"1"')
      if (req.headers['if-none-match'] === '"1"') res.writeHead(304).end()
      else res.end(JSON.stringify({ name, url: req.url, header, cookie, referer }))
    })
  const [v1, v2] = await Promise.all([telling('v1'), telling('v2')])
  const versions = { v1: [v1.target], v2: [v2.target], v4: cold, closed: cold }
  return startIn(lane, versions, { selection, accessLog })
}

/** What a client can tell two answers by, but for what differs anyway. */
function outside({ status, headers, body }: LaneAnswer) {
  const { 'x-request-id': id = '', date: _date, ...others } = headers
  return { status, headers: others, body: body.replace(id, '') }
}

describe.each(lanes)('lane: %s', (lane) => {
  test('whoever may not reach a version is told what one is told of a version that does not exist', async () => {
    const gateway = await start(lane)
    const unknown = outside(await askIn(lane, gateway, '/', { 'x-version': 'v9' }))
    expect(unknown).toMatchObject({ status: 404, body: expect.stringContaining('UNKNOWN_VERSION') })
    for (const version of ['v2', 'v4', 'closed']) {
      expect(outside(await askIn(lane, gateway, '/', { 'x-version': version }))).toEqual(unknown)
      const headers = { 'x-version': version, 'x-preview-key': 'a-key-that-is-wrong' }
      expect(outside(await askIn(lane, gateway, '/', headers))).toEqual(unknown)
    }
    expect(gateway.channel.bodiesOf('demand')).toEqual([])
  })

  test('the key opens, brings a cookie that opens as well, and reaches no worker', async () => {
    const gateway = await start(lane)
    const byHeader = await askIn(lane, gateway, '/a', { 'x-version': 'v2', 'x-preview-key': key })
    expect(byHeader.headers['set-cookie']).toBe('own=1')
    expect(JSON.parse(byHeader.body)).toEqual({ name: 'v2', url: '/a' })
    const encoded = `http://example.test/?preview%2Dkey=${key}`
    const other = await askIn(lane, gateway, `/a?preview%2Dkey=${key}&version=v2`, { referer: encoded })
    expect(JSON.parse(other.body)).toEqual({ name: 'v2', url: '/a?version=v2', referer: 'http://example.test/' })
    const referer = `http://example.test/?preview-key=${key}`
    const first = await askIn(lane, gateway, `/a?version=v2&preview-key=${key}`, { referer })
    expect(JSON.parse(first.body)).toEqual({ name: 'v2', url: '/a?version=v2', referer: 'http://example.test/' })
    expect(first.headers['x-served-version']).toBe('v2; by=query')
    const cookie = /^own=1, (cservice-preview-[^;]+); Path=\/; HttpOnly; SameSite=Lax$/.exec(
      first.headers['set-cookie'] ?? '',
    )?.[1]
    const second = await askIn(lane, gateway, '/b?version=v2', { cookie: `a=b; ${cookie}` })
    expect(second.headers['set-cookie']).toBe('own=1')
    expect(JSON.parse(second.body)).toEqual({ name: 'v2', url: '/b?version=v2', cookie: 'a=b' })
    const live = await askIn(lane, gateway, `/?preview-key=${key}`, { cookie: `${cookie}`, 'x-preview-key': key })
    expect(JSON.parse(live.body)).toEqual({ name: 'v1', url: '/' })
  })

  test('the cookie comes with 304 as well', async () => {
    const gateway = await start(lane)
    const path = `/a?version=v2&preview-key=${key}`
    const answer = await askIn(lane, gateway, path, { 'if-none-match': '"1"' })
    expect(answer).toMatchObject({ status: 304, body: '' })
    expect(answer.headers['set-cookie']).toMatch(/^own=1, cservice-preview-/)
  })

  test('the access log shows no key, whether it was right or wrong', async () => {
    const file = join(temporaryFolder(), 'access.log')
    const gateway = await start(lane, file)
    await askIn(lane, gateway, `/a?version=v2&preview-key=${key}&b`)
    await askIn(lane, gateway, `/?preview-key=a-key-that-is-wrong&version=v2`)
    await askIn(lane, gateway, `/?preview%2Dkey=${key}&version=v2`)
    await gateway.process.stop(0)
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).target)).toEqual([
      '/a?version=v2&preview-key=***&b',
      '/?preview-key=***&version=v2',
      '/?preview-key=***&version=v2',
    ])
  })
})
