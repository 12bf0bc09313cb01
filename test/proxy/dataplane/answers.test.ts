import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Route } from '../../../src/proxy/routing/route-table.ts'
import { ask, eventually, get, RawClient, refused, startGateway, startRawWorker, startWorker } from './harness.ts'

const cold: Route = { state: 'cold', attempt: 0, targets: [] }

async function gatewayWithWitness(settings = {}) {
  const seen: string[] = []
  const worker = await startWorker((req, res) => {
    seen.push(`${req.method} ${req.url}`)
    res.end('ok')
  })
  return { seen, worker, gateway: await startGateway({ v1: [worker.target] }, settings) }
}

test.each([
  ['../x'],
  ['./v2'],
  ['v1/../v2'],
  ['/etc/passwd'],
  ['__proto__'],
  ['constructor'],
  ['hasOwnProperty'],
  ['x'.repeat(10_240)],
  ['v1', 'v1'],
])('version header %s %s is answered 404, and no worker is asked', async (...names) => {
  const { gateway, seen } = await gatewayWithWitness()
  const client = new RawClient(gateway.port).send(get('/', ...names.map((name) => `x-version: ${name}`)))
  const answer = await client.until(/\}\n/)
  expect(answer).toMatch(/^HTTP\/1.1 404 Not Found\r\nContent-Type: application\/problem\+json\r\n/)
  expect(answer).toContain('"code":"UNKNOWN_VERSION"')
  client.send(get('/next'))
  await client.until(/ok$/)
  expect(seen).toEqual(['GET /next'])
  expect(gateway.channel.bodiesOf('demand')).toEqual([])
})

test('no version named and none live is answered 404', async () => {
  const { gateway, worker } = await gatewayWithWitness()
  gateway.route({ v1: [worker.target] }, null)
  expect(JSON.parse((await ask(gateway.port)).body)).toMatchObject({
    status: 404,
    code: 'NO_LIVE_VERSION',
    type: 'about:blank',
  })
})

test.each([
  ['GET / HTTP/1.1\r\n\r\n', 400],
  ['GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
  ['GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
  ['GET / HTTP/1.1\r\nHost: user@a\r\n\r\n', 400],
  ['GET / HTTP/1.1\r\nHost: \r\n\r\n', 400],
  ['GET /#a HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['GET * HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n', 501],
  ['BREW / HTTP/1.1\r\nHost: a\r\n\r\n', 501],
  ['GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501],
  ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n0', 400],
  ['GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400],
  ['GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n', 400],
  ['\x16\x03\x01 nonsense\r\n\r\n', 400],
  [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
])('%j is answered by the gateway itself: %i', async (request, status) => {
  const { gateway, seen } = await gatewayWithWitness()
  const client = new RawClient(gateway.port)
  client.socket.write(request, 'latin1')
  const answer = await client.until(/\}\n/)
  expect(answer.slice(0, 13)).toBe(`HTTP/1.1 ${status} `)
  expect(answer).toMatch(/\r\nX-Request-Id: \S+\r\n/i)
  expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({ status })
  expect(seen).toEqual([])
})

test('a head that does not come in time is answered 408, on a new connection and on a used one', async () => {
  const { gateway } = await gatewayWithWitness({ headTimeout: 150 })
  expect(await new RawClient(gateway.port).send('GET / HT').closed()).toMatch(/^HTTP\/1.1 408 Request Timeout/)
  const used = new RawClient(gateway.port).send(get())
  await used.until(/ok$/)
  expect(await used.send('GET / HTTP/1.1\r\nHost:').closed()).toMatch(/^HTTP\/1.1 408 /)
})

test('garbage behind a good request is answered after the good one', async () => {
  const worker = await startWorker((_req, res) => setTimeout(() => res.end('good'), 30))
  const gateway = await startGateway({ v1: [worker.target] })
  const text = await new RawClient(gateway.port).send(`${get()}nonsense\r\n\r\n`).closed()
  expect(text).toMatch(/^HTTP\/1.1 200 OK.*goodHTTP\/1.1 400 Bad Request/s)
})

test('a body whose framing breaks in the middle is answered 400, and the worker gets no clean end', async () => {
  let begun = false
  let ended = false
  let aborted = false
  const worker = await startWorker((req) => {
    begun = true
    req.resume().on('end', () => {
      ended = true
    })
    req.on('close', () => {
      aborted = true
    })
    req.on('error', () => {})
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port).send(
    'POST / HTTP/1.1',
    'Host: h',
    'Transfer-Encoding: chunked',
    '',
    '2',
    'ab',
    '',
  )
  await eventually(() => begun)
  client.send('zz', '')
  expect(await client.closed()).toMatch(/^HTTP\/1.1 400 /)
  await eventually(() => aborted)
  expect(ended).toBe(false)
})

test('a large body that nobody reads does not cost the client the answer', async () => {
  const { gateway } = await gatewayWithWitness()
  const client = new RawClient(gateway.port)
  const body = 'x'.repeat(40_000_000)
  client.send('POST / HTTP/1.1', 'Host: h', 'x-version: nope', `Content-Length: ${body.length}`, '', body)
  expect(await client.closed()).toMatch(/^HTTP\/1.1 404 .*Connection: close\r\n.*UNKNOWN_VERSION/s)
  expect(client.error).toBe(null)
})

test('a client that prefers HTML gets a page', async () => {
  const { gateway } = await gatewayWithWitness()
  const answer = await ask(gateway.port, '/', { headers: { 'x-version': 'nope', accept: 'text/html,*/*;q=0.8' } })
  expect(answer.status).toBe(404)
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(answer.body).toContain('No such version')
})

test('HEAD of what does not exist has no body', async () => {
  const { gateway } = await gatewayWithWitness()
  const client = new RawClient(gateway.port)
  client.send('HEAD / HTTP/1.1', 'Host: h', 'x-version: nope', '', `${get('/')}`)
  expect(await client.until(/ok$/)).toMatch(/^HTTP\/1.1 404 (.*\r\n)+\r\nHTTP\/1.1 200 /)
})

test('200 requests for a cold version: one demand, 200 answers', async () => {
  const { worker } = await gatewayWithWitness()
  const gateway = await startGateway({ v1: cold })
  const answers = Promise.all(Array.from({ length: 200 }, () => ask(gateway.port)))
  const counted = () =>
    gateway.channel
      .bodiesOf('counters')
      .flatMap(({ versions }) => versions)
      .at(-1)?.inFlight
  await gateway.channel.until(() => counted() === 200)
  gateway.route({ v1: { state: 'starting', attempt: 1, targets: [] } })
  gateway.route({ v1: { state: 'ready', attempt: 1, targets: [worker.target] } })
  expect((await answers).every(({ status }) => status === 200)).toBe(true)
  expect(gateway.channel.bodiesOf('demand')).toEqual([{ type: 'demand', version: 'v1' }])
})

test('a version that fails is answered 503 at once until it may be tried again, then demanded anew', async () => {
  const gateway = await startGateway({ v1: cold })
  const first = ask(gateway.port)
  await gateway.channel.until(() => gateway.channel.bodiesOf('demand')[0])
  gateway.route({ v1: { state: 'failed', attempt: 1, targets: [], retryAt: Date.now() + 30_000 } })
  for (const answer of [await first, await ask(gateway.port)]) {
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'VERSION_FAILED', title: 'The version failed to start' })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(25)
  }
  gateway.route({ v1: { state: 'failed', attempt: 1, targets: [], retryAt: Date.now() - 1 } })
  const again = ask(gateway.port)
  await gateway.channel.until(() => gateway.channel.bodiesOf('demand').length === 2)
  gateway.route({
    v1: { state: 'failed', attempt: 2, targets: [], retryAt: Date.now() + 1_000, code: 'VERSION_LIMIT' },
  })
  expect(JSON.parse((await again).body)).toMatchObject({ status: 503, code: 'VERSION_LIMIT' })
})

test('a gate that is full, and patience at its end, are answered 503 with Retry-After', async () => {
  const gateway = await startGateway({ v1: cold }, { gateLimit: 1, gateTimeout: 300 })
  const waiting = ask(gateway.port)
  await gateway.channel.until(() => gateway.channel.bodiesOf('demand')[0])
  const full = await ask(gateway.port)
  expect([full.status, JSON.parse(full.body).code, full.headers.get('retry-after')]).toEqual([503, 'GATE_FULL', '1'])
  const late = await waiting
  expect([late.status, JSON.parse(late.body).code, late.headers.get('retry-after')]).toEqual([
    503,
    'VERSION_STARTING',
    '1',
  ])
})

test('a browser that navigates to a version that is starting gets a page that reloads itself', async () => {
  const gateway = await startGateway({ v1: cold }, { waitingPageAfter: 20 })
  const client = new RawClient(gateway.port).send(get('/', 'Accept: text/html', 'Sec-Fetch-Mode: navigate'))
  const page = await client.until(/<\/html>/)
  expect(page).toMatch(/^HTTP\/1.1 503 (.+\r\n)*Retry-After: 1\r\n/)
  expect(page).toContain('<meta http-equiv="refresh"')
  expect(page).toContain('Starting v1')
})

test('a POST body waits at the gate with its request, and arrives whole', async () => {
  const worker = await startWorker((req, res) => req.pipe(res))
  const gateway = await startGateway({ v1: cold })
  const answer = ask(gateway.port, '/', { method: 'POST', body: 'x'.repeat(500_000) })
  await gateway.channel.until(() => gateway.channel.bodiesOf('demand')[0])
  gateway.route({ v1: [worker.target] })
  expect((await answer).body.length).toBe(500_000)
})

test('servedVersionHeader: false leaves the header out, and takes effect at once', async () => {
  const { gateway } = await gatewayWithWitness()
  await gateway.configure({ servedVersionHeader: false })
  expect((await ask(gateway.port)).headers.get('x-served-version')).toBe(null)
})

test('a redirecting binding answers 308 to the same path there', async () => {
  const { gateway } = await gatewayWithWitness({ binding: { port: 0, tlsOptions: null, redirect: 8443, http2: false } })
  const text = await new RawClient(gateway.port).send(get('/a?b')).until(/\r\n\r\n/)
  expect(text).toMatch(/^HTTP\/1.1 308 Permanent Redirect\r\nLocation: https:\/\/example.test:8443\/a\?b\r\n/)
})

test('the access log has one JSON line a request, whatever the request says', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'access-log-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const accessLog = join(folder, 'access.log')
  const { gateway, worker } = await gatewayWithWitness({ accessLog })
  await ask(gateway.port, '/a"b?c')
  await ask(gateway.port, '/', { headers: { 'x-version': 'nope' } })
  const client = new RawClient(gateway.port).send(get('/"%0a{}'))
  await client.until(/ok$/)
  client.socket.destroy()
  await gateway.process.stop(0)
  const lines = readFileSync(accessLog, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines).toMatchObject([
    {
      method: 'GET',
      target: '/a%22b?c',
      status: 200,
      version: 'v1',
      by: 'live',
      worker: worker.target.id,
      retries: 0,
      client: '127.0.0.1',
    },
    { status: 404, version: null, worker: null },
    { target: '/"%0a{}', status: 200 },
  ])
  expect(lines[0].bytes).toBeGreaterThan(100)
})

test('a worker cannot speak in the name of the gateway', async () => {
  const worker = await startRawWorker((socket) =>
    socket.once('data', () =>
      socket.write('HTTP/1.1 200 OK\r\nx-served-version: v9\r\nX-REQUEST-ID: forged\r\nContent-Length: 2\r\n\r\nok'),
    ),
  )
  const gateway = await startGateway({ v1: [worker.target] })
  expect(await new RawClient(gateway.port).send(get()).until(/ok$/)).not.toMatch(/v9|forged/)
})

test.each(['both', 'general'] as const)(
  'the last answer reaches a client that goes on sending behind it (%s)',
  async (lanes) => {
    const worker = await startWorker((_req, res) => res.end('x'.repeat(400_000)))
    const gateway = await startGateway({ v1: [worker.target] }, {}, lanes)
    const client = new RawClient(gateway.port).send(get('/', 'Connection: close'))
    await client.until(/\r\n\r\n/)
    client.socket.pause()
    await eventually(() => gateway.channel.bodiesOf('counters').at(-1)?.versions[0]?.inFlight === 0)
    for (let index = 0; index < 3; index++) {
      client.socket.write(get('/behind'))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    client.socket.resume()
    expect((await client.closed()).length).toBe(400_000)
    expect(client.error).toBe(null)
  },
)

describe.each(['both', 'general'] as const)('lanes: %s', (lanes) => {
  test('a client that takes nothing of its answer is cut off in time, and its worker let go', async () => {
    let isGone = false
    const worker = await startWorker((_req, res) => {
      res.on('close', () => {
        isGone = true
      })
      res.end(Buffer.alloc(30_000_000))
    })
    const gateway = await startGateway({ v1: [worker.target] }, { sendTimeout: 300 }, lanes)
    const client = new RawClient(gateway.port).send(get())
    await client.until(/\r\n\r\n/)
    client.socket.pause()
    await eventually(() => isGone)
    client.socket.resume()
    expect((await client.closed()).length).toBeLessThan(30_000_000)
    expect(await refused(gateway, 'CLIENT_STALLED')).toBe(1)
  })

  test('a client that takes its answer slowly, but takes it, gets all of it', async () => {
    const size = 12_000_000
    const worker = await startWorker((_req, res) => res.end(Buffer.alloc(size, 'x')))
    const gateway = await startGateway({ v1: [worker.target] }, { sendTimeout: 600 }, lanes)
    const client = new RawClient(gateway.port).send(get('/', 'Connection: close'))
    await client.until(/\r\n\r\n/)
    let taken = 0
    client.socket.on('data', (chunk) => {
      taken += chunk.length
      client.text = ''
      if (taken < 2_000_000) return
      taken = 0
      client.socket.pause()
      setTimeout(() => client.socket.resume(), 250)
    })
    await client.closed()
    expect(client.error).toBe(null)
    expect(client.socket.bytesRead).toBeGreaterThan(size)
  })
})
