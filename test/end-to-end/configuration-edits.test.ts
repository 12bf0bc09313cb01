import { once } from 'node:events'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { freePort, freePorts, isPortFree } from '../support/free-ports.ts'
import { startLoad } from '../support/load-generator.ts'
import { ask, proxyInfo, readyProxies, readyWorkers } from '../support/proxy-info.ts'
import { type Gateway, startGateway } from '../support/start-gateway.ts'
import { accepts } from '../support/start-worker.ts'
import { type VersionFolder, versionFolder } from '../support/version-folder.ts'

it('bindings that are added are opened, those removed are closed, and the others do not notice', async () => {
  const folder = await versionFolder({ v1: 'http' })
  const gateway = await startGateway(folder)
  const [added = 0, other = 0] = await freePorts(2)
  const first = { port: folder.port, host: '127.0.0.1', workerCount: 1 }
  const load = startLoad({ url: gateway.url, connections: 10 })
  const proxies = await readyProxies(gateway)
  edit(folder, { bindings: [first, { port: added, host: '127.0.0.1', workerCount: 1 }] })
  await eventually('the new port', async () => (await statusAt(added)) === 200)
  edit(folder, { bindings: [first, { port: other, host: '127.0.0.1', workerCount: 2 }] })
  await eventually('the other port', async () => (await statusAt(other)) === 200)
  await eventually('the end of the port that was removed', () => isPortFree(added))
  expect(await readyProxies(gateway)).toEqual(expect.arrayContaining(proxies))
  await load.more(50)
  expect((await load.stop()).failures).toEqual([])
  expect(await ask(gateway, 'health')).toBe('OK')
})

it('another number of workers, and of proxy processes, is followed without a failed request', async () => {
  const folder = await versionFolder({ v1: 'http' })
  const gateway = await startGateway(folder)
  const load = startLoad({ url: gateway.url, connections: 10 })
  const binding = { port: folder.port, host: '127.0.0.1' }
  for (const count of [3, 1]) {
    edit(folder, { workerCount: count, bindings: [{ ...binding, workerCount: count }] })
    await eventually(`${count} workers`, async () => (await readyWorkers(gateway, 'v1')).length === count)
    await eventually(`${count} proxy processes`, async () => {
      const { proxyWorkers } = await proxyInfo(gateway)
      return proxyWorkers.length === count && proxyWorkers.every(({ state }) => state === 'ready')
    })
    await load.more(50)
  }
  expect((await load.stop()).failures).toEqual([])
})

it('another version header is listened to, and the former one no more', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'http' })
  const gateway = await startGateway(folder)
  edit(folder, { versionHeader: 'X-Build' })
  await eventually(
    'the new header',
    async () =>
      (await gateway.fetch('/', { headers: { 'x-build': 'v2' } })).headers.get('x-served-version') === 'v2; by=header',
  )
  expect((await gateway.fetch('/', { version: 'v2' })).headers.get('x-served-version')).toBe('v1; by=live')
})

it('another defaultVersion acts as a promote: no failed request, and nothing of the file is rewritten', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'http' }, { workerCount: 2, keepWarm: 0 })
  const gateway = await startGateway(folder)
  const load = startLoad({ url: gateway.url, connections: 10 })
  await load.more(20)
  const text = edit(folder, { defaultVersion: 'v2' })
  await eventually('v2 live', async () => (await proxyInfo(gateway)).liveVersion === 'v2')
  expect(await readyWorkers(gateway, 'v2')).toHaveLength(2)
  await eventually(
    'v1 as small as a version that is not live',
    async () => (await readyWorkers(gateway, 'v1')).length === 1,
  )
  const since = performance.now()
  await load.more(50)
  const { answers, failures } = await load.stop()
  expect(failures).toEqual([])
  const later = answers.filter(({ startedAt }) => startedAt > since)
  expect(new Set(later.map(({ version }) => version))).toEqual(new Set(['v2']))
  expect(readFileSync(folder.config, 'utf8')).toBe(text)
})

it('a defaultVersion that is not there, or does not start, is refused, and the live version stays', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'crash' })
  const gateway = await startGateway(folder)
  for (const [name, reason] of [
    ['v9', /v9/],
    ['v2', /exited with code 7/],
  ] as const) {
    edit(folder, { defaultVersion: name })
    const error = await refusal(gateway, reason)
    expect(error).toMatch(reason)
    const res = await gateway.fetch('/')
    expect(res.headers.get('x-served-version')).toBe('v1; by=live')
  }
  edit(folder, { defaultVersion: 'v1' })
  await isWell(gateway)
})

it.each([
  ['no JSON', (text: string) => text.slice(0, -5), /proxy\.json/],
  [
    'a wrong value',
    (text: string) => text.replace('"workerCount": 1', '"workerCount": "many"'),
    /proxy\.json:\d+:\d+ workerCount: found "many"/,
  ],
])('an edit that leaves %s is refused with the reason, and the last good one stays', async (_what, spoil, reason) => {
  const folder = await versionFolder({ v1: 'http' })
  const gateway = await startGateway(folder)
  const good = readFileSync(folder.config, 'utf8')
  writeFileSync(folder.config, spoil(good))
  expect(await refusal(gateway, reason)).toMatch(reason)
  const health = await gateway.cservice('health')
  expect(health.code).toBe(1)
  expect(health.stderr).toMatch(/refused/)
  expect(health.stderr).toMatch(reason)
  expect(gateway.output).toMatch(/refused/)
  expect((await gateway.fetch('/')).status).toBe(200)
  // As editors do it that write a new file and rename it.
  writeFileSync(`${folder.config}~`, good)
  renameSync(`${folder.config}~`, folder.config)
  await isWell(gateway)
})

it('a binding whose port another program has taken is refused, the old ones stay untouched, and it is opened when tried again', async () => {
  const folder = await versionFolder({ v1: 'http' })
  const gateway = await startGateway(folder)
  const proxies = await readyProxies(gateway)
  const { port, close } = await programOnAPort()
  const load = startLoad({ url: gateway.url, connections: 5 })
  const free = await freePort()
  const bindings = [folder.port, free, port].map((each) => ({ port: each, host: '127.0.0.1', workerCount: 1 }))
  edit(folder, { bindings, versionHeader: 'x-build' })
  expect(await refusal(gateway, /taken/)).toContain(String(port))
  expect(await readyProxies(gateway)).toEqual(proxies)
  expect(await accepts(free)).toBe(false)
  expect((await gateway.fetch('/', { version: 'nope' })).status).toBe(404) // the header that was in force is in force
  await close()
  edit(folder, { bindings, versionHeader: 'x-builds' })
  await isWell(gateway)
  expect(await Promise.all([free, port].map(statusAt))).toEqual([200, 200])
  await load.more(20)
  expect((await load.stop()).failures).toEqual([])
})

it('a port that is served another way never closes, and requests in flight are finished', async () => {
  const folder = await versionFolder({ v1: 'http' })
  const gateway = await startGateway(folder)
  const slow = gateway.fetch('/slow?ms=1500')
  const binding = { port: folder.port, host: '127.0.0.1', workerCount: 1 }
  const statuses = new Set<number>()
  let isOver = false
  const knocking = (async () => {
    while (!isOver) statuses.add(await firstStatus(folder.port))
  })()
  edit(folder, { bindings: [{ ...binding, redirect: 'https://example.com' }] })
  await eventually('redirects', async () => (await firstStatus(folder.port)) === 308)
  edit(folder, { bindings: [binding] })
  await eventually('no redirects', async () => (await firstStatus(folder.port)) === 200)
  isOver = true
  await knocking // rejects if one connection was refused
  expect([...statuses].sort()).toEqual([200, 308])
  expect((await slow).status).toBe(200)
})

it('a certificate that cannot be read is refused, and the port goes on as it was', async () => {
  const folder = await versionFolder({ v1: 'http' })
  const gateway = await startGateway(folder)
  const proxies = await readyProxies(gateway)
  const load = startLoad({ url: gateway.url, connections: 5 })
  const tlsOptions = { key: 'none.key', cert: 'none.cert' }
  edit(folder, { bindings: [{ port: folder.port, host: '127.0.0.1', workerCount: 1, tlsOptions }] })
  const reason = await refusal(gateway, /bindings\[0\]\.tlsOptions\.cert: found no file/)
  expect(reason).toContain(join(folder.path, 'none.cert'))
  expect(await readyProxies(gateway)).toEqual(proxies)
  await load.more(20)
  expect((await load.stop()).failures).toEqual([])
})

/** Changes keys of proxy.json as somebody with an editor does. @returns its new text */
function edit(folder: VersionFolder, keys: Readonly<Record<string, unknown>>): string {
  const content = JSON.parse(readFileSync(folder.config, 'utf8')) as Record<string, unknown>
  const text = `${JSON.stringify({ ...content, ...keys }, null, 2)}\n`
  writeFileSync(folder.config, text)
  return text
}

/** What `proxy info` says of an edit that was refused, once the reason matches. */
function refusal(gateway: Gateway, reason: RegExp): Promise<string> {
  return eventually(`a refusal: ${reason}`, async () => {
    const { configError } = await proxyInfo(gateway)
    return configError !== null && reason.test(configError) && configError
  })
}

async function isWell(gateway: Gateway): Promise<void> {
  await eventually('a configuration in force', async () => (await proxyInfo(gateway)).configError === null)
  await eventually('health', async () => (await ask(gateway, 'health')) === 'OK')
}

async function statusAt(port: number): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).status
}

/** The status of an answer on a connection of its own, whatever it says to do next. */
async function firstStatus(port: number): Promise<number> {
  const url = `http://127.0.0.1:${port}/`
  return (await fetch(url, { headers: { connection: 'close' }, redirect: 'manual' })).status
}

async function programOnAPort() {
  const port = await freePort()
  const server = net.createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  onTestFinished(close)
  return { port, close }
}
