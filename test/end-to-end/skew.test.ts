import { once } from 'node:events'
import { connect } from 'node:http2'
import { expect, it } from 'vitest'
import WebSocket from 'ws'
import { freePort } from '../support/free-ports.ts'
import { rawConnection } from '../support/raw-http.ts'
import { type Gateway, startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

/** What a browser sends along. */
const page = { 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate' }
const script = { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' }

it('a page goes on with its version after a promote, in every lane, and its streams as well', async () => {
  const folder = await versionFolder(
    { v1: 'websocket', v2: 'websocket' },
    { skew: true, bindings: [{ port: await freePort(), host: '127.0.0.1', workerCount: 1, http2: true }] },
  )
  const gateway = await startGateway(folder)
  const cookie = await pinOf(gateway)
  expect(cookie).toMatch(/^cservice-pin=v1\./)
  const events = await rawConnection(folder.port)
  events.write('GET /events?interval=20 HTTP/1.1\r\nHost: a\r\n\r\n')
  expect((await events.readUntil('\r\n\r\n')).toLowerCase()).toContain('x-served-version: v1; by=live')

  await gateway.command('proxy', 'promote', 'v2', '1')

  expect(await servedBy(gateway, { ...script, cookie })).toBe('v1; by=sticky')
  expect(await servedBy(gateway, { ...script, cookie, te: 'trailers' })).toBe('v1; by=sticky') // the general lane
  const session = connect(gateway.url)
  const stream = session.request({ ':path': '/', ...script, cookie })
  const [head] = await once(stream, 'response')
  expect(head['x-served-version']).toBe('v1; by=sticky')
  session.destroy()
  const client = new WebSocket(`${gateway.url.replace('http', 'ws')}/chat`, { headers: { cookie } })
  const [greeting] = await once(client, 'message')
  expect(JSON.parse(String(greeting))).toMatchObject({ version: 'v1' })
  client.close()
  expect(await events.readUntil('id: 3\n')).not.toContain('v2')
  events.destroy()

  expect(await servedBy(gateway, script)).toBe('v2; by=live')
  expect(await servedBy(gateway, { ...page, cookie })).toBe('v2; by=live')
  expect(await pinOf(gateway, cookie)).toMatch(/^cservice-pin=v2\./)
})

it('two tabs are on two versions where pages say which one they were built as', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'http' }, { skew: true })
  const gateway = await startGateway(folder)
  await pinOf(gateway)
  await gateway.command('proxy', 'promote', 'v2', '1')
  const cookie = await pinOf(gateway) // the second tab's, which both tabs send
  expect(await servedBy(gateway, { ...script, cookie })).toBe('v2; by=sticky')
  expect(await servedBy(gateway, { ...script, cookie, 'x-deployment-id': 'v1' })).toBe('v1; by=header')
  expect(await servedBy(gateway, { ...script, cookie }, '/a.js?dpl=v1')).toBe('v1; by=query')
})

it('only so many versions are kept for their pages: who is pinned to an older one is served by the live one, and told', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'http', v3: 'http' }, { skew: { versions: 1 } })
  const gateway = await startGateway(folder)
  const first = await pinOf(gateway)
  await gateway.command('proxy', 'promote', 'v2', '1')
  const second = await pinOf(gateway)
  await gateway.command('proxy', 'promote', 'v3', '1')
  expect(await servedBy(gateway, { ...script, cookie: second })).toBe('v2; by=sticky')
  expect(await servedBy(gateway, { ...script, cookie: first })).toBe('v3; by=live; lost=v1')
})

it('a version that is not running is started for the pages that were loaded from it', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'http' }, { skew: true })
  const gateway = await startGateway(folder)
  const cookie = await pinOf(gateway)
  await gateway.command('proxy', 'promote', 'v2', '1')
  await gateway.command('proxy', 'version', 'v1', '0')
  expect(await servedBy(gateway, { ...script, cookie })).toBe('v1; by=sticky')
})

it('pins hold over a restart of the gateway', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'http' }, { skew: true })
  const gateway = await startGateway(folder)
  const cookie = await pinOf(gateway)
  await gateway.command('proxy', 'promote', 'v2', '1')
  await gateway.stop()
  await gateway.untilGone()
  const next = await startGateway(folder)
  expect(await servedBy(next, { ...script, cookie })).toBe('v1; by=sticky')
})

/** What a browser sends back after it has loaded a page. */
async function pinOf(gateway: Gateway, cookie = ''): Promise<string> {
  const { headers } = await gateway.fetch('/', { headers: { ...page, cookie } })
  return /^[^;]*/.exec(headers.get('set-cookie') ?? '')?.[0] ?? ''
}

async function servedBy(gateway: Gateway, headers: Record<string, string>, path = '/'): Promise<string | null> {
  const answer = await gateway.fetch(path, { headers })
  expect(answer.status).toBe(200)
  return answer.headers.get('x-served-version')
}
