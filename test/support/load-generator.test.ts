import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { eventually } from './eventually.ts'
import { startLoad } from './load-generator.ts'
import { startWorker } from './start-worker.ts'

it('answers of a healthy server are all recorded, with who answered and when, over connections that are kept', async () => {
  const worker = await startWorker('http', { version: 'v7' })
  const load = startLoad({ url: worker.url, connections: 10 })
  await load.more(200)
  const { answers, failures, connectionsOpened } = await load.stop()
  expect(failures).toEqual([])
  expect(answers.length).toBeGreaterThanOrEqual(200)
  expect(connectionsOpened).toBe(10)
  expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['get', 'post', 'stream']))
  expect(answers.every(({ version, pid, status }) => version === 'v7' && pid === worker.pid && status === 200)).toBe(
    true,
  )
  expect(
    answers.every((answer) => answer.startedAt <= answer.answeredAt && answer.answeredAt <= answer.finishedAt),
  ).toBe(true)
})

it('a server that is killed shows in every request that it had in hand', async () => {
  const worker = await startWorker('http')
  const load = startLoad({ url: worker.url, connections: 8, mix: { stream: 1 }, think: 0 })
  await load.more(8)
  worker.child.kill('SIGKILL')
  const clientsThatFailed = () => new Set(load.report.failures.map(({ connection }) => connection)).size
  await eventually('a failure on every connection', () => clientsThatFailed() === 8)
  const { failures } = await load.stop()
  const inHand = failures.filter(({ phase }) => phase !== 'connect')
  expect(inHand.length).toBeGreaterThan(0)
  expect(inHand.every(({ phase, version }) => version === (phase === 'body' ? 'v1' : null))).toBe(true)
  expect(failures.every(({ reason }) => reason !== '')).toBe(true)
})

it.each([
  ['an unexpected status', (res: http.ServerResponse) => res.writeHead(503).end('no'), 'status', '503: no'],
  ['a wrong body', (res: http.ServerResponse) => res.end('{}'), 'content', /^asked for/],
  ['an answer that breaks off', (res: http.ServerResponse) => breakOff(res), 'body', 'ECONNRESET'],
  ['a connection that is reset', (res: http.ServerResponse) => res.socket?.resetAndDestroy(), 'answer', 'ECONNRESET'],
] as const)('%s is a failure that says what it was', async (_name, answer, phase, reason) => {
  const url = await serverThat(answer)
  const load = startLoad({ url, connections: 1, mix: { get: 1 } })
  await load.more(1)
  const { answers, failures } = await load.stop()
  expect(answers).toEqual([])
  expect(failures[0]).toMatchObject({ kind: 'get', phase, reason: expect.stringMatching(reason) })
})

it('a silent server is a failure at the deadline', async () => {
  const url = await serverThat(() => {})
  const load = startLoad({ url, connections: 1, mix: { get: 1 }, requestDeadline: 100 })
  await load.more(1)
  const { failures } = await load.stop()
  expect(failures[0]).toMatchObject({ phase: 'answer', reason: 'no whole answer within 100 ms' })
})

function breakOff(res: http.ServerResponse): void {
  res.writeHead(200, { 'content-length': 100 })
  res.write('part', () => res.socket?.destroy())
}

async function serverThat(answer: (res: http.ServerResponse) => unknown): Promise<string> {
  const server = http.createServer((req, res) => {
    req.resume()
    answer(res)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
