import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { headerOnly } from '../../../src/proxy/routing/selection-settings.ts'
import { type Gateway, startWorker, type TestSettings, type Versions } from './harness.ts'
import { askIn, type LaneName, lanes, startIn } from './lanes.ts'

const selection = {
  ...headerOnly,
  aliases: [['next', '^3.0.0-rc']] as const,
  query: 'version',
  cookie: 'version',
  host: '{version}.preview.example.com',
  path: { before: '/_v/', keep: false },
}

/** A version whose worker says what it was asked. */
async function telling(name: string) {
  const worker = await startWorker((req, res) => {
    const prefix = req.headers['x-forwarded-prefix'] ?? ''
    res.setHeader('set-cookie', 'own=1').end(`${name} ${req.url} ${prefix}`)
  })
  return [name, [worker.target]] as const
}

async function startAll(lane: LaneName, settings: TestSettings = {}): Promise<Gateway> {
  const versions: Versions = Object.fromEntries(
    await Promise.all(['v1', 'v2.0.0', 'v2.4.0', '3.0.0-rc.1'].map((name) => telling(name))),
  )
  return startIn(lane, versions, { selection, ...settings })
}

async function ask(...asked: Parameters<typeof askIn>) {
  const { status, headers, body } = await askIn(...asked)
  return { status, servedBy: headers['x-served-version'] ?? '', body }
}

describe.each(lanes)('lane: %s', (lane) => {
  test.each([
    ['^2', 'v2.4.0'],
    ['>=2 <2.4', 'v2.0.0'],
    ['~2.4.0', 'v2.4.0'],
    ['1', 'v1'],
    ['latest', 'v2.4.0'],
    ['next', '3.0.0-rc.1'],
    ['v2.0.0', 'v2.0.0'],
  ])('the header may say %s', async (range, version) => {
    const gateway = await startAll(lane)
    const answer = await ask(lane, gateway, '/', { 'x-version': range })
    expect(answer).toEqual({ status: 200, servedBy: `${version}; by=header`, body: `${version} / ` })
  })

  test('query, cookie, host and path name versions as well', async () => {
    const gateway = await startAll(lane)
    const query = await ask(lane, gateway, '/a?version=%5E2')
    expect(query).toMatchObject({ servedBy: 'v2.4.0; by=query', body: 'v2.4.0 /a?version=%5E2 ' })
    const cookie = await ask(lane, gateway, '/a', { cookie: 'x=y; version=v2.0.0' })
    expect(cookie).toMatchObject({ servedBy: 'v2.0.0; by=cookie', body: 'v2.0.0 /a ' })
    const host = await ask(lane, gateway, '/a', {}, 'v2-4-0.preview.example.com:8080')
    expect(host).toMatchObject({ servedBy: 'v2.4.0; by=host', body: 'v2.4.0 /a ' })
    const path = await ask(lane, gateway, '/_v/v2.4.0/a?b')
    expect(path).toMatchObject({ servedBy: 'v2.4.0; by=path', body: 'v2.4.0 /a?b /_v/v2.4.0' })
  })

  test('a prefix of a client is its own only where its peer is trusted', async () => {
    const trusting = await startAll(lane, { trustProxy: ['127.0.0.0/8'] })
    const headers = { 'x-forwarded-prefix': '/outer' }
    expect((await ask(lane, trusting, '/_v/v2.4.0/a', headers)).body).toBe('v2.4.0 /a /outer/_v/v2.4.0')
    expect((await ask(lane, trusting, '/a', headers)).body).toBe('v1 /a /outer')
    const gateway = await startAll(lane)
    expect((await ask(lane, gateway, '/_v/v2.4.0/a', headers)).body).toBe('v2.4.0 /a /_v/v2.4.0')
    expect((await ask(lane, gateway, '/a', headers)).body).toBe('v1 /a ')
  })

  test('what names no version is 404, whatever is live', async () => {
    const gateway = await startAll(lane)
    expect((await ask(lane, gateway, '/', { 'x-version': '^9' })).status).toBe(404)
    expect((await ask(lane, gateway, '/?version=v1&version=v1')).status).toBe(404)
    expect((await ask(lane, gateway, '/', { cookie: 'version=v1; version=v1' })).status).toBe(404)
    expect((await ask(lane, gateway, '/_v/v9/')).status).toBe(404)
  })

  test('new settings and new versions hold for the next request', async () => {
    const gateway = await startAll(lane, { selection: headerOnly })
    expect((await ask(lane, gateway, '/?version=v2.4.0')).servedBy).toBe('v1; by=live')
    await gateway.configure({ selection })
    expect((await ask(lane, gateway, '/?version=2')).servedBy).toBe('v2.4.0; by=query')
    gateway.route(Object.fromEntries([await telling('v1'), await telling('v2.5.0')]))
    expect((await ask(lane, gateway, '/?version=2')).servedBy).toBe('v2.5.0; by=query')
  })
})

test('the access log has the target as the client sent it', async () => {
  // Held by the log's own tests for targets that stay as they are; the fast lane is the one that has no other copy.
  const folder = mkdtempSync(join(tmpdir(), 'cservice-selection-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'access.log')
  for (const lane of lanes) {
    const gateway = await startAll(lane, { accessLog: file })
    await ask(lane, gateway, '/_v/v2.4.0/a?b')
    await gateway.process.stop(0)
  }
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  expect(lines.map((line) => JSON.parse(line).target)).toEqual(Array(3).fill('/_v/v2.4.0/a?b'))
})
