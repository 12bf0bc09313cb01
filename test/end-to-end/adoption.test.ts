import { readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { runtimeDirectoryPath } from '../../src/common/runtime-directory.ts'
import { eventually } from '../support/eventually.ts'
import { expectNothingLost } from '../support/expect-nothing-lost.ts'
import { startLoad } from '../support/load-generator.ts'
import { isAlive } from '../support/processes.ts'
import { ask, proxyInfo, versionInfo } from '../support/proxy-info.ts'
import { cservice, type Gateway, startGateway } from '../support/start-gateway.ts'
import { bindingsWith, type VersionFolder, versionFolder } from '../support/version-folder.ts'

describe('a supervisor that takes the place of one that was killed', () => {
  it('takes over all processes twice in a row: no request is lost, and everything works as before', async () => {
    const settings = { workerCount: 2, bindings: await bindingsWith(2), keepWarm: 0, warmSpares: 0 }
    const folder = await versionFolder({ v1: 'websocket', v2: 'websocket' }, settings)
    let gateway = await startGateway(folder)
    expect((await gateway.fetch('/', { version: 'v2' })).status).toBe(200)
    const before = await pidsOf(gateway)
    const load = startLoad({ url: gateway.url, connections: 20 })
    const socket = await openWebSocket(gateway)
    const stream = await openEvents(gateway)
    await load.more(50)
    for (let crash = 0; crash < 2; crash++) {
      gateway = await killAndRestart(gateway)
      expect(await pidsOf(gateway)).toEqual(before)
      await load.more(50)
      expect(await socket.echo(`crash ${crash}`)).toBe(`crash ${crash}`)
      await stream.more()
    }

    // A proxy process dies: its successor gets the listening socket from its sibling, since the supervisor does not have it.
    const [victim, survivor] = before.proxy
    expectNothingLost(await load.stop(), 20)
    socket.close()
    stream.close()
    process.kill(victim as number, 'SIGKILL')
    const { proxyWorkers } = await eventually('a successor', async () => {
      const info = await proxyInfo(gateway)
      const ready = info.proxyWorkers.filter(({ pid, state }) => state === 'ready' && pid !== victim)
      return ready.length === 2 && info
    })
    expect(proxyWorkers.map(({ pid }) => pid)).toContain(survivor)

    const again = startLoad({ url: gateway.url, connections: 10 })
    await again.more(50)
    // A worker dies, one is added, another version is made live.
    process.kill(before.workers[0]?.pid as number, 'SIGKILL')
    await eventually('a worker in its place', async () => {
      const { workers } = await pidsOf(gateway)
      return workers.length === 3 && workers.every(({ pid }) => pid !== before.workers[0]?.pid)
    })
    await gateway.command('proxy', 'version', 'v1', '3')
    await gateway.command('proxy', 'promote', 'v2', '2')
    await again.more(50)
    const report = await again.stop()
    expect(report.failures.filter(({ phase }) => phase === 'connect')).toEqual([])
    const { liveVersion, epoch } = await proxyInfo(gateway)
    expect(liveVersion).toBe('v2')
    expect((await proxyInfo(gateway)).proxyWorkers.every((one) => one.epoch === epoch)).toBe(true)
    expect(await ask(gateway, 'health')).toBe('OK')
    const left = await pidsOf(gateway)
    await gateway.stop()
    for (const pid of [...left.proxy, ...left.workers.map((one) => one.pid)]) expect(isAlive(pid)).toBe(false)
  }, 120_000)

  it('follows a proxy.json that has changed meanwhile, a worker that has died, and prints what workers write', async () => {
    const settings = { workerCount: 2, bindings: await bindingsWith(1), warmSpares: 0 }
    const folder = await versionFolder({ v1: { text: talks } }, settings)
    const first = await startGateway(folder)
    const before = await pidsOf(first)
    first.kill('SIGKILL')
    await first.exited()
    const [dead, alive] = before.workers.map(({ pid }) => pid)
    process.kill(dead as number, 'SIGKILL')
    editConfig(folder, (config) => ({ ...config, maxBodySize: 1_000, bindings: changed(config.bindings) }))
    const second = await startGateway(folder, { controlPort: first.controlPort })
    const after = await pidsOf(second)
    expect(after.workers.map(({ pid }) => pid)).toContain(alive)
    expect(after.workers).toHaveLength(2)
    // The binding was made from another configuration: new processes on the same socket, the old one is gone.
    await eventually('two new proxy processes', async () => {
      const { proxy } = await pidsOf(second)
      return proxy.length === 2 && !proxy.includes(before.proxy[0] as number)
    })
    const said = (text: string) => (second.output.match(new RegExp(`v1:${alive} \\| ${text}`, 'g')) ?? []).length
    await eventually('a line of the worker that was taken over', async () => {
      await second.fetch('/words')
      return said('out /words') > 0 && said('err /words') > 0
    })
    // Why it dies is told as well, though Node writes that where nobody reads.
    await eventually('the worker asked to die', async () => {
      await second.fetch('/boom').catch(() => {})
      return !isAlive(alive as number)
    })
    await eventually('its last words', () => said('Error: bang') > 0)
    await eventually('a worker in its place', async () => (await pidsOf(second)).workers.length === 2)
    await second.stop()
  }, 60_000)

  it('replaces programs without our agent one by one, since nobody reads their output any more', async () => {
    const settings = { workerFilename: 'worker', workerCount: 2, warmSpares: 0 }
    const folder = await versionFolder({ v1: 'python' }, settings)
    const first = await startGateway(folder)
    const before = await pidsOf(first)
    const load = startLoad({ url: first.url, connections: 5, mix: { get: 1, post: 0, stream: 0 } })
    await load.more(20)
    const second = await killAndRestart(first)
    await eventually('new programs', async () => {
      const { workers } = await pidsOf(second)
      return workers.length === 2 && workers.every(({ pid }) => !before.workers.some((one) => one.pid === pid))
    })
    await load.more(20)
    expect((await load.stop()).failures).toEqual([])
    expect((await pidsOf(second)).proxy).toEqual(before.proxy)
  }, 60_000)

  it('goes on draining a worker that was being drained, and keeps the WebSocket on it until it ends', async () => {
    const folder = await versionFolder({ v1: 'websocket', v2: 'http' }, { keepWarm: 0, warmSpares: 0 })
    const first = await startGateway(folder)
    const [old] = (await pidsOf(first)).workers
    const socket = await openWebSocket(first)
    await first.command('proxy', 'promote', 'v2', '1')
    const stopped = first.cservice('proxy', 'version', 'v1', '0')
    const draining = async (gateway: Gateway) => (await versionInfo(gateway, 'v1')).draining.map(({ pid }) => pid)
    await eventually('a draining worker', async () => (await draining(first)).length === 1)
    await eventually('that written down', () => readFileSync(inventoryOf(first), 'utf8').includes('"draining"'))
    const second = await killAndRestart(first)
    await stopped
    expect(await draining(second)).toEqual([old?.pid])
    expect(await socket.echo('still here')).toBe('still here')
    expect((await second.fetch('/')).headers.get('x-worker-version')).toBe('v2')
    socket.close()
    await eventually('the end of the worker', async () => !isAlive(old?.pid as number))
    expect((await versionInfo(second, 'v1')).state).toBe('cold')
  }, 60_000)

  it('that cannot start, since proxy.json is broken, leaves what serves to the next one', async () => {
    const folder = await versionFolder({ v1: 'http' }, { warmSpares: 0 })
    const first = await startGateway(folder)
    const before = await pidsOf(first)
    first.kill('SIGKILL')
    await first.exited()
    const text = readFileSync(folder.config, 'utf8')
    writeFileSync(folder.config, text.slice(1))
    const words = ['proxy', 'start', folder.config, '--port', String(first.controlPort)]
    expect((await cservice(words)).code).not.toBe(0)
    expect((await first.fetch('/')).status).toBe(200)
    writeFileSync(folder.config, text)
    const second = await startGateway(folder, { controlPort: first.controlPort })
    expect(await pidsOf(second)).toEqual(before)
  }, 60_000)

  it('opens the port anew when the last proxy process that had it has died', async () => {
    const folder = await versionFolder({ v1: 'http' }, { warmSpares: 0 })
    const second = await killAndRestart(await startGateway(folder))
    const { proxy } = await pidsOf(second)
    process.kill(proxy[0] as number, 'SIGKILL')
    await eventually('the port open again', async () => (await second.fetch('/')).status === 200)
    expect((await pidsOf(second)).proxy).not.toEqual(proxy)
  }, 60_000)

  it.each([
    ['is garbage', '{"format":1,"processes":[{"pid":'],
    ['names nothing that is known', '{"format":1,"processes":[{"pid":-1,"id":"x"},7],"notes":3}'],
  ])(
    'starts anew when its inventory %s',
    async (_name, text) => {
      const folder = await versionFolder({ v1: 'http' }, { warmSpares: 0 })
      const first = await startGateway(folder)
      const before = await pidsOf(first)
      first.kill('SIGKILL')
      await first.exited()
      writeFileSync(inventoryOf(first), text)
      const second = await startGateway(folder, { controlPort: first.controlPort })
      expect((await second.fetch('/')).status).toBe(200)
      const after = await pidsOf(second)
      expect(after.proxy).not.toEqual(before.proxy)
      await eventually('the end of what the first one left', () => !before.proxy.some(isAlive))
      expect(second.output).toContain('processes.json')
    },
    60_000,
  )
})

interface Pids {
  readonly proxy: readonly number[]
  readonly workers: ReadonlyArray<{ readonly version: string; readonly pid: number }>
}

async function pidsOf(gateway: Gateway): Promise<Pids> {
  const { proxyWorkers, versionWorkers } = await proxyInfo(gateway)
  const proxy = proxyWorkers.map(({ pid }) => pid).sort((a, b) => a - b)
  const workers = versionWorkers.map(({ version, pid }) => ({ version, pid })).sort((a, b) => a.pid - b.pid)
  return { proxy, workers }
}

function inventoryOf({ controlPort }: Gateway): string {
  return join(runtimeDirectoryPath(controlPort), 'processes.json')
}

async function killAndRestart(gateway: Gateway): Promise<Gateway> {
  gateway.kill('SIGKILL')
  await gateway.exited()
  return await startGateway(gateway.folder, { controlPort: gateway.controlPort })
}

async function openWebSocket({ url }: Gateway): Promise<{ echo(text: string): Promise<string>; close(): void }> {
  const socket = new WebSocket(url.replace('http', 'ws'))
  onTestFinished(() => socket.terminate())
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return {
    close: () => socket.terminate(),
    echo: (text) =>
      new Promise((resolve, reject) => {
        socket.once('message', (data) => resolve(String(data)))
        socket.once('close', () => reject(new Error('the WebSocket was closed')))
        socket.send(text)
      }),
  }
}

/** Server-sent events that must not end. */
async function openEvents({ url }: Gateway): Promise<{ more(): Promise<void>; close(): void }> {
  const request = http.get(`${url}/events?interval=20`, { agent: false })
  onTestFinished(() => void request.destroy())
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject)
  })
  response.on('error', () => {})
  return {
    close: () => void request.destroy(),
    more: () =>
      new Promise((resolve, reject) => {
        response.once('data', () => resolve())
        response.once('close', () => reject(new Error('the stream was closed')))
      }),
  }
}

function editConfig({ config }: VersionFolder, edit: (config: Record<string, unknown>) => unknown): void {
  writeFileSync(config, JSON.stringify(edit(JSON.parse(readFileSync(config, 'utf8')))))
}

function changed(bindings: unknown): unknown {
  return (bindings as object[]).map((binding) => ({ ...binding, http2: true, workerCount: 2 }))
}

const talks = `
require('node:http').createServer((req, res) => {
  console.log('out', req.url)
  console.error('err', req.url)
  if (req.url === '/boom') throw new Error('bang')
  req.resume()
  res.end('well')
}).listen(Number(process.env.PROXY_PORT), '127.0.0.1')
`
