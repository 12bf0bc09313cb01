import { expect, test } from 'vitest'
import { upperEdge } from '../../../src/proxy/routing/time-buckets.ts'
import { type Gateway, RawClient, startGateway, startWorker, tableOf } from './harness.ts'

/** Publishes a table in which v2 is rolled out. */
function rollOut(gateway: Gateway, versions: Parameters<typeof tableOf>[0], share: number, epoch: number): void {
  const table = { ...tableOf(versions, 'v1', epoch), rollout: { version: 'v2', share, key: 'header:x-user' } }
  gateway.channel.tell({ type: 'message', body: { type: 'routes', table } })
}

async function ask(port: number, headers = '', path = '/', lastLine = ''): Promise<string> {
  const client = new RawClient(port)
  client.send(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n${headers}${lastLine}Connection: close\r\n\r\n`)
  return client.closed()
}

test.each(['both', 'general'] as const)(
  'clients in the share get the candidate, always the same ones (lanes: %s)',
  async (lanes) => {
    const [one, two] = await Promise.all([
      startWorker((_, res) => res.end('one')),
      startWorker((_, res) => res.end('two')),
    ])
    const versions = { v1: [one.target], v2: [two.target] }
    const gateway = await startGateway(versions, {}, lanes)
    const users = Array.from({ length: 40 }, (_, index) => `x-user: user${index}\r\n`)
    const served = (): Promise<string[]> =>
      Promise.all(users.map(async (user) => /X-Served-Version: (.*)\r/.exec(await ask(gateway.port, user))?.[1] ?? ''))
    expect(new Set(await served())).toEqual(new Set(['v1; by=live']))
    rollOut(gateway, versions, 0.4, 100)
    const first = await served()
    expect(new Set(first)).toEqual(new Set(['v1; by=live', 'v2; by=rollout']))
    expect(await served()).toEqual(first)
    rollOut(gateway, versions, 0.8, 101)
    const second = await served()
    first.forEach((version, index) => {
      if (version === 'v2; by=rollout') expect(second[index]).toBe(version)
    })
    expect(second.filter((version) => version.startsWith('v2')).length).toBeGreaterThan(
      first.filter((version) => version.startsWith('v2')).length,
    )
    expect(await ask(gateway.port, `${users[0]}x-version: v1\r\n`)).toContain('v1; by=header')
    gateway.route(versions, 'v1')
  },
)

test.each(['both', 'general'] as const)(
  'answers of the two versions are counted while a rollout goes on, and only then (lanes: %s)',
  async (lanes) => {
    const worker = await startWorker((req, res) => {
      if (req.url === '/bad') res.writeHead(503).end('bad')
      else if (req.url === '/cut') res.socket?.destroy()
      else setTimeout(() => res.end('fine'), req.url === '/slow' ? 120 : 0)
    })
    const versions = { v1: [worker.target], v2: [worker.target], v3: [worker.target] }
    const gateway = await startGateway(versions, {}, lanes)
    const tallies = (version: string) =>
      gateway.channel
        .bodiesOf('counters')
        .flatMap((batch) =>
          batch.versions.filter((counters) => counters.version === version && counters.answers !== undefined),
        )
    const total = (version: string) =>
      tallies(version)
        .flatMap(({ answers }) => answers?.times ?? [])
        .reduce((sum, [, count]) => sum + count, 0)
    await ask(gateway.port)
    rollOut(gateway, versions, 1, 100)
    await ask(gateway.port)
    await ask(gateway.port, '', '/bad')
    await ask(gateway.port, '', '/cut') // the gateway answers 502 in its place
    await ask(gateway.port, '', '/slow')
    await ask(gateway.port, 'x-version: v1\r\n') // asked for: compared with nobody
    await ask(gateway.port, 'x-version: v3\r\n')
    await gateway.channel.until(() => total('v2') === 4)
    expect(tallies('v2').reduce((sum, { answers }) => sum + (answers?.errors ?? 0), 0)).toBe(2)
    const slowest = Math.max(
      ...tallies('v2').flatMap(({ answers }) => (answers?.times ?? []).map(([bucket]) => upperEdge(bucket))),
    )
    expect(slowest).toBeGreaterThan(120)
    expect(total('v1') + total('v3')).toBe(0)
  },
)

test('the answers of the live version are counted as well, those that a client did not wait for among them', async () => {
  const worker = await startWorker((_, res) => setTimeout(() => res.end('late'), 60_000).unref())
  const versions = { v1: [worker.target], v2: [worker.target] }
  const gateway = await startGateway(versions)
  rollOut(gateway, versions, 0, 100)
  const client = new RawClient(gateway.port)
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await gateway.channel.until(() =>
    gateway.channel.bodiesOf('counters').some(({ versions: [counters] }) => counters?.inFlight === 1),
  )
  client.socket.destroy()
  await gateway.channel.until(() =>
    gateway.channel
      .bodiesOf('counters')
      .some(({ versions: [counters] }) => counters?.answers?.times.length === 1 && counters.answers.errors === 0),
  )
})
