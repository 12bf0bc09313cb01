import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { eventually } from './eventually.ts'
import { type FixtureWorker, fixtureWorker } from './fixture-worker.ts'
import { isAlive } from './processes.ts'
import { rawConnection, rawRequest } from './raw-http.ts'
import { ended, run } from './run.ts'
import { startWorker } from './start-worker.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { versionFolder } from './version-folder.ts'

describe('the worker programs', () => {
  it.each<FixtureWorker>(['http', 'websocket', 'commonjs', 'python', 'ignores-sigterm', 'stops-gracefully'])(
    '%s says which version and process answered',
    async (kind) => {
      const worker = await startWorker(kind, { version: 'v9' })
      const res = await fetch(`${worker.url}/some/path`)
      expect(res.headers.get('x-worker-version')).toBe('v9')
      expect(await res.json()).toMatchObject({ version: 'v9', pid: worker.pid, method: 'GET', url: '/some/path' })
    },
  )

  it('shell serves the files of its folder', async () => {
    const worker = await startWorker('shell')
    expect((await fetch(worker.url)).status).toBe(200)
  })

  it('http has an answer of each kind', async () => {
    const { port } = await startWorker('http')
    const get = (path: string, method = 'GET') => rawRequest(port, [`${method} ${path} HTTP/1.1`, 'Host: x'])
    const post = await rawRequest(port, ['POST /upload HTTP/1.1', 'Host: x', 'Content-Length: 5'], 'hello')
    expect(JSON.parse(post.body)).toMatchObject({ bodyLength: 5, sha256: expect.stringMatching(/^2cf24dba/) })
    expect((await get('/download?bytes=200000')).body.length).toBe(200_000)
    expect((await get('/stream?chunks=3&interval=1')).body).toMatch(/^1 v1 \d+\n2 .*\n3 .*\n$/)
    expect((await get('/trailers')).trailers).toEqual([['x-checksum', 'abc']])
    expect((await get('/early-hints')).status).toBe(103)
    expect((await get('/slow?ms=1')).status).toBe(200)
    expect(await get('/status/204')).toMatchObject({ status: 204, body: '' })
    expect((await get('/status/418')).status).toBe(418)
    expect(await get('/head', 'HEAD')).toMatchObject({ status: 200, body: '' })
  })

  it('http sends events until the client leaves', async () => {
    const { port } = await startWorker('http')
    const connection = await rawConnection(port)
    connection.write('GET /events?interval=5 HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await connection.readUntil('id: 3\n')).toContain('content-type: text/event-stream')
  })

  it.each([
    ['/die', 'part'],
    ['/die?after=nothing', ''],
    ['/reset', 'part'],
    ['/reset?after=nothing', ''],
  ])('http breaks off at %s', async (path, part) => {
    const { port } = await startWorker('http')
    const connection = await rawConnection(port)
    connection.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    await connection.closed()
    expect(connection.received.endsWith(part)).toBe(true)
    expect(connection.received === '').toBe(part === '')
  })

  it('websocket sends back what it gets', async () => {
    const { port } = await startWorker('websocket')
    const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`)
    const messages: string[] = []
    socket.on('message', (data) => messages.push(String(data)))
    socket.on('open', () => socket.send('hello'))
    await eventually('the echo', () => messages.length === 2)
    expect(messages[1]).toBe('hello')
    socket.terminate()
  })

  it('slow-listen waits as long as its folder says', async () => {
    const folder = await versionFolder({})
    const cwd = folder.add('v1', 'slow-listen', { delay: '300' })
    const started = performance.now()
    await startWorker('slow-listen', { cwd })
    expect(performance.now() - started).toBeGreaterThan(290)
  })

  it('crash says why on stderr and exits 7', async () => {
    const outcome = await run(process.execPath, [fixtureWorker('crash')])
    expect(outcome).toMatchObject({ code: 7, stderr: 'crash: cannot find the database\n' })
  })

  it('ignores-sigterm does', async () => {
    const worker = await startWorker('ignores-sigterm')
    worker.child.kill('SIGTERM')
    await eventually('its refusal', () => worker.stderr().includes('ignores-sigterm: no'))
    expect(isAlive(worker.pid)).toBe(true)
  })

  it('python ends at SIGTERM', async () => {
    const worker = await startWorker('python')
    worker.child.kill('SIGTERM')
    expect(await ended(worker.child, 5_000)).toEqual({ code: 0, signal: null })
  })
})

describe('versionFolder', () => {
  it('hands out runnable versions and a proxy.json that names the first as live', async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'commonjs' }, { workerCount: 2 })
    expect(JSON.parse(readFileSync(folder.config, 'utf8'))).toMatchObject({ defaultVersion: 'v1', workerCount: 2 })
    for (const version of ['v1', 'v2']) {
      const cwd = join(folder.path, version)
      const worker = await startWorker(join(cwd, 'worker.js'), { version, cwd })
      expect(await (await fetch(worker.url)).json()).toMatchObject({ version })
    }
    folder.remove('v2')
    expect(existsSync(join(folder.path, 'v2'))).toBe(false)
  })

  it('makes an executable of a program in any language', async () => {
    const folder = await versionFolder({ v1: 'python', v2: 'http' }, { workerFilename: 'worker' })
    for (const version of ['v1', 'v2']) {
      const path = join(folder.path, version, 'worker')
      const outcome = await run(path, [], { env: { ...process.env, PROXY_PORT: '-1' } })
      expect(outcome.stderr).toMatch(/overflow|ERR_SOCKET_BAD_PORT/i)
    }
  })
})

it('a temporary folder is gone when its test is over', async () => {
  const undo: Array<() => unknown> = []
  const folder = temporaryFolder((work) => undo.push(work))
  expect(existsSync(folder)).toBe(true)
  for (const work of undo) await work()
  expect(existsSync(folder)).toBe(false)
})
