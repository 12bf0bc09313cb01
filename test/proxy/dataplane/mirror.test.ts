import { expect, test } from 'vitest'
import { digestOf } from '../../../src/proxy/routing/access/preview-lock.ts'
import { headerOnly } from '../../../src/proxy/routing/selection-settings.ts'
import { type Gateway, RawClient, startGateway, startWorker, tableOf } from './harness.ts'
import { askIn, startIn } from './lanes.ts'

function mirrorTo(gateway: Gateway, versions: Parameters<typeof tableOf>[0], share: number): void {
  const table = { ...tableOf(versions, 'v1', 100), mirror: { version: 'v2', share } }
  gateway.channel.tell({ type: 'message', body: { type: 'routes', table } })
}

const counted = (gateway: Gateway, what: 'answered' | 'failed' | 'dropped'): number =>
  gateway.channel.bodiesOf('mirrored').reduce((sum, { counts }) => sum + counts[what], 0)

test.each(['both', 'general'] as const)(
  'copies of safe requests that name no version go to the other one (lanes: %s)',
  async (lanes) => {
    const seen: string[] = []
    const one = await startWorker((_, res) => res.end('one'))
    const two = await startWorker((req, res) => {
      seen.push(`${req.method} ${req.url} ${req.headers['x-mirrored']} ${req.headers['x-request-id']}`)
      res.writeHead(500).end('nobody reads this'.repeat(10_000))
    })
    const versions = { v1: [one.target], v2: [two.target] }
    const gateway = await startGateway(versions, {}, lanes)
    mirrorTo(gateway, versions, 1)
    const client = new RawClient(gateway.port)
    const send = async (request: string): Promise<void> => {
      client.send(request)
      expect(await client.until(/\r\n\r\n/)).toContain('v1; by=')
    }
    await send('GET /a?b=1 HTTP/1.1\r\nHost: a.test\r\nX-Request-Id: the-first\r\n\r\n')
    await send('HEAD /h HTTP/1.1\r\nHost: a.test\r\nX-Request-Id: the-second\r\n\r\n')
    await send('POST /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n')
    await send('GET /body HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi')
    await send('GET /named HTTP/1.1\r\nHost: a.test\r\nx-version: v1\r\n\r\n')
    await send('GET /last HTTP/1.1\r\nHost: a.test\r\nX-Request-Id: the-third\r\n\r\n')
    await gateway.channel.until(() => counted(gateway, 'answered') === 3)
    expect(seen).toEqual(['GET /a?b=1 1 the-first', 'HEAD /h 1 the-second', 'GET /last 1 the-third'])
    expect(counted(gateway, 'failed') + counted(gateway, 'dropped')).toBe(0)
    // They are no requests of the version.
    gateway.process.stop(0)
    await gateway.process.ended
    const ofTwo = gateway.channel
      .bodiesOf('counters')
      .flatMap((batch) => batch.versions.filter(({ version }) => version === 'v2'))
    expect(ofTwo).toEqual([])
  },
)

test('a version that answers nothing keeps no client waiting, and gets a few copies at a time', async () => {
  const one = await startWorker((_, res) => res.end('one'))
  const two = await startWorker(() => {})
  const versions = { v1: [one.target], v2: [two.target] }
  const gateway = await startGateway(versions, { answerTimeout: 2_000 })
  mirrorTo(gateway, versions, 1)
  const client = new RawClient(gateway.port)
  for (let index = 0; index < 60; index++) {
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
    await client.until(/\r\n\r\none/)
  }
  await gateway.channel.until(() => counted(gateway, 'dropped') === 60 - 32)
  expect(two.connections()).toBeLessThanOrEqual(32)
  await gateway.channel.until(() => counted(gateway, 'failed') === 32)
})

test('a version that is not there loses copies, and nobody a request', async () => {
  const one = await startWorker((_, res) => res.end('one'))
  const two = await startWorker(() => {})
  const versions = { v1: [one.target], v2: [two.target] }
  await two.kill()
  const gateway = await startGateway(versions)
  mirrorTo(gateway, versions, 1)
  const client = new RawClient(gateway.port)
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await client.until(/\r\n\r\none/)
  await gateway.channel.until(() => counted(gateway, 'failed') === 1)
  mirrorTo(gateway, { v1: [one.target], v2: { state: 'cold', attempt: 0, targets: [] } }, 1)
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await client.until(/\r\n\r\none/)
  await gateway.channel.until(() => counted(gateway, 'dropped') === 1)
})

test('requests over HTTP/2 are copied as well, without the key of a preview', async () => {
  const seen: string[] = []
  const one = await startWorker((_, res) => res.end('one'))
  const two = await startWorker((req, res) => {
    seen.push(`${req.method} ${req.url} ${req.headers['x-mirrored']} ${req.headers['x-preview-key']}`)
    res.end('two')
  })
  const versions = { v1: [one.target], v2: [two.target] }
  const previews = [{ versions: 'v2', digest: digestOf('a-key-of-16-characters').toString('base64') }]
  const selection = { ...headerOnly, access: { onDemand: null, previews, isSecure: false } }
  const gateway = await startIn('http2', versions, { selection })
  mirrorTo(gateway, versions, 1)
  const headers = { 'x-preview-key': 'a-key-of-16-characters' }
  expect(await askIn('http2', gateway, '/a?preview-key=x&b', headers)).toMatchObject({ status: 200, body: 'one' })
  await gateway.channel.until(() => counted(gateway, 'answered') === 1)
  expect(seen).toEqual(['GET /a?b 1 undefined'])
})
