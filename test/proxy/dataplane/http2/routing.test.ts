import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { deadTarget, eventually, startRawWorker, startWorker } from '../harness.ts'
import { answerOf, ask, dial, startClearGateway } from './h2-harness.ts'

const echo = () => startWorker((req, res) => req.pipe(res))

test('a version that is not running is started, and the request waits', async () => {
  const worker = await echo()
  const gateway = await startClearGateway({ v1: { state: 'cold', attempt: 0, targets: [] } })
  const answered = ask(dial(gateway), { ':method': 'POST' }, 'body')
  await gateway.channel.until(() => gateway.channel.bodiesOf('demand')[0])
  gateway.route({ v1: [worker.target] })
  expect(await answered).toMatchObject({ status: 200, body: 'body', isWhole: true })
})

test('a browser that navigates gets the waiting page, a program waits to the end', async () => {
  const cold = { v1: { state: 'cold', attempt: 0, targets: [] } } as const
  const gateway = await startClearGateway(cold, {
    binding: { port: 0, tlsOptions: null, redirect: null, http2: true },
    waitingPageAfter: 20,
    gateTimeout: 200,
  })
  const session = dial(gateway)
  const [page, problem] = await Promise.all([ask(session, { accept: 'text/html' }), ask(session)])
  expect(page).toMatchObject({ status: 503, isWhole: true })
  expect(page.body).toMatch(/v1/)
  expect(page.headers['content-type']).toMatch(/html/)
  expect(problem.headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '1' })
  expect(JSON.parse(problem.body)).toMatchObject({ status: 503, code: 'VERSION_STARTING' })
})

test('a request that waits is forgotten when its client resets it', async () => {
  const gateway = await startClearGateway({ v1: { state: 'cold', attempt: 0, targets: [] } })
  const stream = dial(gateway).request({ ':path': '/' })
  const answered = answerOf(stream)
  await gateway.channel.until(() => gateway.channel.bodiesOf('demand')[0])
  stream.close(8)
  await answered
  const counters = () => gateway.channel.bodiesOf('counters').flatMap(({ versions }) => versions)
  await gateway.channel.until(() => counters().at(-1)?.inFlight === 0 && counters().at(-1)?.requests === 1)
  expect(counters().at(-1)?.statuses).toEqual([0, 0, 0, 0, 0])
})

test('the version header decides, a name that is not known is a 404, and HEAD gets no body', async () => {
  const [one, two] = await Promise.all(['1', '2'].map((text) => startWorker((_req, res) => res.end(text))))
  const gateway = await startClearGateway({ v1: [one?.target ?? never()], v2: [two?.target ?? never()] })
  const session = dial(gateway)
  const named = await ask(session, { 'x-version': 'v2' })
  expect(named).toMatchObject({ status: 200, body: '2' })
  expect(named.headers['x-served-version']).toBe('v2; by=header')
  const unknown = await ask(session, { 'x-version': 'v9', 'x-request-id': 'mine' })
  expect(unknown).toMatchObject({ status: 404, isWhole: true })
  expect(JSON.parse(unknown.body)).toMatchObject({ code: 'UNKNOWN_VERSION', requestId: 'mine' })
  expect(await ask(session, { 'x-version': 'v9', ':method': 'HEAD' })).toMatchObject({ status: 404, body: '' })
  expect(await ask(session, { 'x-version': 'v9', ':method': 'POST' }, 'x'.repeat(100_000))).toMatchObject({
    status: 404,
  })
})

test('a redirecting binding redirects', async () => {
  const gateway = await startClearGateway(
    { v1: [] },
    { binding: { port: 0, tlsOptions: null, redirect: 8443, http2: true } },
  )
  const answer = await ask(dial(gateway), { ':path': '/a?b', ':authority': 'h.test:80' })
  expect(answer).toMatchObject({ status: 308, headers: { location: 'https://h.test:8443/a?b' } })
})

test('a target that refuses is passed over, and one that breaks off is tried again elsewhere', async () => {
  const worker = await echo()
  const gateway = await startClearGateway({ v1: [await deadTarget(), worker.target] })
  const session = dial(gateway)
  for (let index = 0; index < 4; index++) {
    expect(await ask(session, { ':method': 'POST' }, 'body')).toMatchObject({ status: 200, body: 'body' })
  }
  const breaking = await startRawWorker((socket) => socket.once('data', () => socket.destroy()))
  gateway.route({ v1: [breaking.target, worker.target] })
  for (let index = 0; index < 4; index++) expect(await ask(session)).toMatchObject({ status: 200 })
  gateway.route({ v1: [breaking.target] })
  const answer = await ask(session, { ':method': 'POST' }, 'body')
  expect(answer).toMatchObject({ status: 502, isWhole: true })
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'TARGET_BROKE_OFF' })
})

test('a worker that stays silent is a 504', async () => {
  const worker = await startRawWorker((socket) => socket.resume())
  const gateway = await startClearGateway(
    { v1: [worker.target] },
    { binding: { port: 0, tlsOptions: null, redirect: null, http2: true }, answerTimeout: 100 },
  )
  expect(await ask(dial(gateway))).toMatchObject({ status: 504, isWhole: true })
})

test('each request has its line in the access log, and counts once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cservice-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const accessLog = join(folder, 'access.log')
  const worker = await echo()
  const gateway = await startClearGateway(
    { v1: [worker.target] },
    { binding: { port: 0, tlsOptions: null, redirect: null, http2: true }, accessLog },
  )
  const session = dial(gateway)
  await ask(session, { ':method': 'POST', ':path': '/a?b', 'x-request-id': 'one' }, 'hello')
  await ask(session, { ':path': '/', 'x-version': 'v9', 'x-request-id': 'two' })
  await gateway.process.stop(0)
  const lines = readFileSync(accessLog, 'utf8').trim().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      requestId: 'one',
      client: '127.0.0.1',
      method: 'POST',
      target: '/a?b',
      status: 200,
      bytes: 5,
      version: 'v1',
      by: 'live',
      worker: worker.target.id,
      retries: 0,
    },
    { requestId: 'two', status: 404, version: null, worker: null },
  ])
  const counters = gateway.channel.bodiesOf('counters').flatMap(({ versions }) => versions)
  expect(counters.reduce((sum, { requests }) => sum + requests, 0)).toBe(1)
  expect(counters.at(-1)).toMatchObject({ version: 'v1', inFlight: 0 })
})

test('a peer that is trusted has its forwarding headers kept', async () => {
  const worker = await startWorker((req, res) => res.end(JSON.stringify(req.headers)))
  const forwarded = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' }
  const plain = await startClearGateway({ v1: [worker.target] })
  expect(JSON.parse((await ask(dial(plain), forwarded)).body)).toMatchObject({
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
  })
  const trusting = await startClearGateway(
    { v1: [worker.target] },
    { binding: { port: 0, tlsOptions: null, redirect: null, http2: true }, trustProxy: ['127.0.0.1'] },
  )
  expect(JSON.parse((await ask(dial(trusting), forwarded)).body)).toMatchObject({
    'x-forwarded-for': '192.0.2.1, 127.0.0.1',
    'x-forwarded-proto': 'https',
  })
})

test('many streams at once are answered each with its own answer', async () => {
  const worker = await startWorker((req, res) => setImmediate(() => res.end(req.url)))
  const gateway = await startClearGateway({ v1: [worker.target] })
  const sessions = [dial(gateway), dial(gateway)]
  const paths = Array.from({ length: 300 }, (_, index) => `/${index}`)
  const answers = await Promise.all(paths.map((path, index) => ask(sessions[index % 2] ?? never(), { ':path': path })))
  expect(answers.map(({ body }) => body)).toEqual(paths)
  await eventually(() => worker.connections() <= 256)
})

function never(): never {
  throw new Error('not reached')
}
