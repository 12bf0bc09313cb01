import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { eventually } from '../support/eventually.ts'
import type { OnFinish } from '../support/on-finish.ts'
import { ask, proxyInfo, readyProxies, readyWorkers } from '../support/proxy-info.ts'
import { rawConnection, rawRequest } from '../support/raw-http.ts'
import { type Gateway, startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

const mebibyte = 1024 ** 2
const gibibyte = 1024 ** 3

const undo: Array<() => void | Promise<void>> = []
const onFinish: OnFinish = (work) => void undo.push(work)
let gateway: Gateway
let port: number

beforeAll(async () => {
  const folder = await versionFolder({ v1: 'websocket', v2: 'http', witness: { text: witness } }, {}, onFinish)
  gateway = await startGateway(folder, { onFinish })
  port = folder.port
  for (const version of ['v2', 'witness']) await gateway.fetch('/', { version })
})

afterAll(async () => {
  for (const work of undo.reverse()) await work()
})

describe('connections that outlive a promote', () => {
  it('stay with the version that accepted them, and proxy info lists who holds the draining worker', async () => {
    const folder = await versionFolder({ v1: 'websocket', v2: 'http' })
    const gateway = await startGateway(folder)
    const [worker] = await readyWorkers(gateway, 'v1')
    const [proxy] = await readyProxies(gateway)
    const { client, greeting } = await openWebSocket(gateway)
    expect(greeting).toMatchObject({ version: 'v1', pid: worker })
    const events = await rawConnection(folder.port)
    events.write('GET /events?interval=20 HTTP/1.1\r\nHost: a\r\n\r\n')
    expect((await events.readUntil('\r\n\r\n')).toLowerCase()).toContain('x-served-version: v1; by=live')

    await ask(gateway, 'proxy promote v2 1')
    const stopped = ask<{ stopped: number }>(gateway, 'proxy version v1 0')
    const draining = await eventually('a draining worker', async () => {
      const { versions } = await proxyInfo(gateway)
      return versions.find(({ name }) => name === 'v1')?.draining.at(0)
    })
    expect(draining).toMatchObject({ pid: worker, state: 'draining', heldBy: [proxy] })
    expect(await (await gateway.fetch('/')).json()).toMatchObject({ version: 'v2' })

    expect(String(await echo(client, 'still there'))).toBe('still there')
    await events.readUntil('\n\n')
    const seen = Number(/id: (\d+)/.exec(await events.readUntil('\n\n'))?.[1])
    expect(await events.readUntil(`id: ${seen + 20}\n`)).toContain(`"pid":${worker}`)

    client.close()
    events.destroy()
    expect(await stopped).toMatchObject({ stopped: 1 })
    expect((await proxyInfo(gateway)).versions.find(({ name }) => name === 'v1')?.draining).toEqual([])
  })
})

describe('WebSocket', () => {
  it('is carried both ways, text and binary, small and large, to its close code', async () => {
    const { client, greeting } = await openWebSocket(gateway)
    expect(greeting).toMatchObject({
      url: '/chat',
      headers: { host: `127.0.0.1:${port}`, 'x-forwarded-for': '127.0.0.1' },
    })
    expect(String(await echo(client, 'hello'))).toBe('hello')
    const large = Buffer.alloc(3 * mebibyte, 'large')
    expect((await echo(client, large)).equals(large)).toBe(true)
    client.close(4000, 'done')
    const [code, reason] = await once(client, 'close')
    expect([code, String(reason)]).toEqual([4000, 'done'])
  })

  it('is an ordinary answer where the version speaks none', async () => {
    const client = new WebSocket(`ws://127.0.0.1:${port}/chat`, { headers: { 'x-version': 'v2' } })
    const [, res] = (await once(client, 'unexpected-response')) as [unknown, http.IncomingMessage]
    expect(res.statusCode).toBe(200)
    res.destroy()
  })
})

describe('a body of 1 GiB', () => {
  it('goes up with flat memory of the proxy process', async () => {
    const req = http.request({ port, path: '/upload', method: 'POST', headers: { 'content-length': gibibyte } })
    const hash = createHash('sha256')
    const chunk = Buffer.alloc(mebibyte, 'up')
    for (let sent = 0; sent < gibibyte; sent += chunk.length) {
      hash.update(chunk)
      if (!req.write(chunk)) await once(req, 'drain')
    }
    req.end()
    const [res] = (await once(req, 'response')) as [http.IncomingMessage]
    const text = Buffer.concat(await res.toArray()).toString()
    expect(JSON.parse(text)).toMatchObject({ bodyLength: gibibyte, sha256: hash.digest('hex') })
    expect(await peakMemory()).toBeLessThan(200 * mebibyte)
  })

  it('comes down with flat memory of the proxy process, to a client that stops reading for a while as well', async () => {
    const path = `/download?bytes=${gibibyte}`
    const [res] = (await once(http.get({ port, path }), 'response')) as [http.IncomingMessage]
    let received = 0
    for await (const chunk of res as AsyncIterable<Buffer>) {
      if (received === 0) await memoryIsSteady()
      received += chunk.length
    }
    expect(received).toBe(gibibyte)
    expect(await peakMemory()).toBeLessThan(200 * mebibyte)
  })
})

describe('Expect: 100-continue', () => {
  const head = (path: string, version: string) =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nX-Version: ${version}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`

  it('is answered by the worker, and only then the body is sent', async () => {
    const connection = await rawConnection(port)
    connection.write(head('/upload', 'v2'))
    expect((await connection.answer()).status).toBe(100)
    connection.write('hello')
    expect(JSON.parse((await connection.answer()).body)).toMatchObject({ bodyLength: 5 })
  })

  it.each([413, 417])('brings a refusal with %i to the client, which has sent nothing of the body', async (status) => {
    const connection = await rawConnection(port)
    connection.write(head(`/refuse/${status}`, 'witness'))
    const answer = await connection.answer()
    expect(answer.status).toBe(status)
    expect(answer.header('x-served-version')).toBe('witness; by=header')
  })

  it('with another expectation is a 417 of the gateway', async () => {
    const answer = await rawRequest(port, ['GET / HTTP/1.1', 'Host: a', 'Expect: the-unexpected'])
    expect(answer.status).toBe(417)
  })
})

describe('trailers', () => {
  it('reach the client', async () => {
    const answer = await rawRequest(port, ['GET /trailers HTTP/1.1', 'Host: a', 'TE: trailers', 'Connection: TE'])
    expect(answer).toMatchObject({ body: 'body\n', trailers: [['x-checksum', 'abc']] })
  })

  it('reach the worker', async () => {
    const head = ['POST /upload HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked', 'Trailer: x-sum']
    const answer = await rawRequest(port, head, '5\r\nhello\r\n0\r\nx-sum: 42\r\n\r\n')
    expect(JSON.parse(answer.body)).toMatchObject({ bodyLength: 5, trailers: { 'x-sum': '42' } })
  })
})

describe('answers without a body', () => {
  it('HEAD has the length of what GET would bring, and the connection goes on', async () => {
    const connection = await rawConnection(port)
    connection.write('HEAD /download?bytes=1000 HTTP/1.1\r\nHost: a\r\n\r\n')
    const answer = await connection.answer({ method: 'HEAD' })
    expect(answer).toMatchObject({ status: 200, body: '' })
    expect(answer.header('content-length')).toBe('1000')
    connection.write('GET /after HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(JSON.parse((await connection.answer()).body)).toMatchObject({ url: '/after' })
  })

  it.each([204, 304])('%i has none and no framing of one, and the connection goes on', async (status) => {
    const connection = await rawConnection(port)
    connection.write(`GET /status/${status} HTTP/1.1\r\nHost: a\r\n\r\n`)
    const answer = await connection.answer()
    expect(answer.status).toBe(status)
    expect(answer.header('etag')).toBe('"1"')
    expect(answer.header('transfer-encoding')).toBeUndefined()
    if (status === 204) expect(answer.header('content-length')).toBeUndefined()
    connection.write('GET /after HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(JSON.parse((await connection.answer()).body)).toMatchObject({ url: '/after' })
  })

  it('103 goes ahead of the answer', async () => {
    const connection = await rawConnection(port)
    connection.write('GET /early-hints HTTP/1.1\r\nHost: a\r\n\r\n')
    const hints = await connection.answer()
    expect(hints.status).toBe(103)
    expect(hints.header('link')).toBe('</style.css>; rel=preload; as=style')
    expect((await connection.answer()).status).toBe(200)
  })
})

describe('HTTP/1.0', () => {
  it('is answered without a Host and the connection is closed', async () => {
    const connection = await rawConnection(port)
    connection.write('GET /old HTTP/1.0\r\n\r\n')
    expect(JSON.parse((await connection.answer()).body)).toMatchObject({ url: '/old' })
    expect(await connection.closed()).toBe('end')
  })

  it('gets a body of unknown length without chunks, up to the end of the connection', async () => {
    const answer = await rawRequest(port, ['GET /stream?chunks=3&interval=1 HTTP/1.0'])
    expect(answer.header('transfer-encoding')).toBeUndefined()
    expect(answer.body).toMatch(/^1 v1 \d+\n2 v1 \d+\n3 v1 \d+\n$/)
  })
})

describe('framing', () => {
  it('pipelined requests are answered in their order, whatever version and however long each takes', async () => {
    const connection = await rawConnection(port)
    const paths = ['/slow?ms=200', '/a', '/slow?ms=50', '/b', '/c']
    const versions = ['v1', 'v2', 'v2', 'v1', 'v2']
    const requests = paths.map(
      (path, index) => `GET ${path} HTTP/1.1\r\nHost: a\r\nX-Version: ${versions[index]}\r\n\r\n`,
    )
    connection.write(requests.join(''))
    for (const [index, url] of paths.entries()) {
      expect(JSON.parse((await connection.answer()).body)).toMatchObject({ url, version: versions[index] })
    }
  })

  it.each(['DELETE', 'OPTIONS'])('a chunked body of %s is part of one request, not a second one', async (method) => {
    const body = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
    const connection = await rawConnection(port)
    const head = `${method} /one HTTP/1.1\r\nHost: a\r\nX-Version: witness\r\nTransfer-Encoding: chunked\r\n\r\n`
    connection.write(`${head}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`)
    expect(JSON.parse((await connection.answer()).body)).toMatchObject({ url: '/one', body })
    connection.write('GET /two HTTP/1.1\r\nHost: a\r\nX-Version: witness\r\n\r\n')
    expect(JSON.parse((await connection.answer()).body)).toMatchObject({ url: '/two' })
    const { seen } = await askWitness()
    expect(seen).toContain('/one')
    expect(seen).not.toContain('/smuggled')
  })
})

describe('a client that leaves', () => {
  it.each([
    ['before the answer', 'GET /hang/before HTTP/1.1\r\nHost: a\r\nX-Version: witness\r\n\r\n', '/hang/before'],
    [
      'in the middle of the answer',
      'GET /hang/within HTTP/1.1\r\nHost: a\r\nX-Version: witness\r\n\r\n',
      '/hang/within',
    ],
    [
      'in the middle of its body',
      'POST /hang/body HTTP/1.1\r\nHost: a\r\nX-Version: witness\r\nContent-Length: 10\r\n\r\nhalf',
      '/hang/body',
    ],
  ])('%s ends its request at the worker', async (_when, request, path) => {
    const connection = await rawConnection(port)
    connection.write(request)
    await eventually('the request at the worker', async () => (await askWitness()).seen.includes(path))
    if (path === '/hang/within') await connection.readUntil('begun')
    connection.destroy()
    await eventually('the end at the worker', async () => (await askWitness()).left.includes(path))
  })
})

describe('a worker that breaks off in the middle of its answer', () => {
  const cases = ['resets', 'dies'].flatMap((how) =>
    ['with', 'without'].flatMap((length) =>
      ['HTTP/1.1', 'HTTP/1.0'].map((protocol) => [how, length, protocol] as const),
    ),
  )

  it.each(cases)('%s, %s a length: the client of %s sees a reset, never a clean end', async (how, length, protocol) => {
    const connection = await rawConnection(port)
    connection.write(`GET /half/${length} ${protocol}\r\nHost: a\r\nX-Version: witness\r\n\r\n`)
    // Only when the client has read what there is: together with data, Node's own client takes a reset for an end.
    expect(await connection.readUntil('begun')).toMatch(/^HTTP\/1.1 200/)
    if (how === 'resets') await gateway.fetch('/break', { version: 'witness' })
    else for (const pid of await readyWorkers(gateway, 'witness')) process.kill(pid, 'SIGKILL')
    expect(await connection.closed()).toBe('ECONNRESET')
  })
})

interface Testimony {
  /** Targets of all requests, in their order. */
  readonly seen: readonly string[]
  /** Targets of those that ended without a whole answer. */
  readonly left: readonly string[]
}

async function askWitness(): Promise<Testimony> {
  return (await (await gateway.fetch('/testimony', { version: 'witness' })).json()) as Testimony
}

async function openWebSocket(of: Gateway) {
  const client = new WebSocket(`${of.url.replace('http', 'ws')}/chat`)
  onTestFinished(() => client.terminate())
  const [data] = (await once(client, 'message')) as [Buffer]
  return { client, greeting: JSON.parse(data.toString()) as Record<string, unknown> }
}

async function echo(client: WebSocket, data: string | Buffer): Promise<Buffer> {
  client.send(data)
  const [answer] = (await once(client, 'message')) as [Buffer]
  return answer
}

/** The most memory that a proxy process ever had, in bytes. */
async function peakMemory(): Promise<number> {
  const pids = await readyProxies(gateway)
  return Math.max(...pids.map((pid) => memoryOf(pid, 'VmHWM')))
}

/** Watches for a second, in which nobody reads. */
async function memoryIsSteady(): Promise<void> {
  const [pid = 0] = await readyProxies(gateway)
  const end = performance.now() + 1_000
  while (performance.now() < end) {
    expect(memoryOf(pid, 'VmRSS')).toBeLessThan(200 * mebibyte)
    await delay(20)
  }
}

function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024
}

/** Says what it has seen, and has a few bad manners. */
const witness = `
const seen = []
const left = []
const halves = []
const server = require('node:http').createServer((req, res) => {
  if (req.url === '/testimony') return res.end(JSON.stringify({ seen, left }))
  seen.push(req.url)
  req.on('error', () => {})
  res.on('close', () => {
    if (!res.writableFinished) left.push(req.url)
  })
  if (req.url === '/half/with') res.writeHead(200, { 'content-length': 1000 })
  if (req.url === '/hang/within' || req.url.startsWith('/half/')) res.write('begun')
  if (req.url.startsWith('/half/')) return halves.push(req.socket)
  if (req.url === '/break') for (const socket of halves) socket.resetAndDestroy()
  if (req.url.startsWith('/hang/')) return
  let body = ''
  req.on('data', (chunk) => { body += chunk })
  req.on('end', () => res.end(JSON.stringify({ url: req.url, method: req.method, body })))
})
server.on('checkContinue', (req, res) => {
  seen.push(req.url)
  res.writeHead(Number(req.url.split('/')[2]), { 'content-length': 0 }).end()
})
server.listen(Number(process.env.PROXY_PORT), '127.0.0.1')
`
