import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { silentLog } from '../../../src/common/log.ts'
import { Refusals } from '../../../src/proxy/dataplane/refusals.ts'
import { startRecordingWorker } from './fast/recording-worker.ts'
import {
  eventually,
  get,
  RawClient,
  refused,
  startGateway,
  startRawWorker,
  startWorker,
  type TestSettings,
} from './harness.ts'

/** A worker that keeps what it gets and answers each head at once, or at the end of a body. */
async function echoingWorker() {
  const record = { bytes: '', heads: 0, closed: 0 }
  const worker = await startRawWorker((socket) => {
    socket.on('close', () => record.closed++)
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1')
      record.bytes += text
      if (/HTTP\/1\.1\r\n/.test(text)) record.heads++
      if (/(^GET.*\r\n\r\n|end|\r\n0\r\n\r\n)$/s.test(text))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  return { ...worker, record }
}

async function limited(settings: TestSettings, lanes: 'both' | 'general') {
  const worker = await echoingWorker()
  return { worker, gateway: await startGateway({ v1: [worker.target] }, settings, lanes) }
}

describe.each(['both', 'general'] as const)('lanes: %s', (lanes) => {
  describe('maxBodySize', () => {
    test('a length that is no exact number any more is answered 413, without any limit', async () => {
      const { gateway, worker } = await limited({ maxBodySize: 0 }, lanes)
      const client = new RawClient(gateway.port)
      const text = await client.send('POST / HTTP/1.1', 'Host: h', 'Content-Length: 9007199254740993', '', '').closed()
      expect(text).toMatch(/^HTTP\/1.1 413 /)
      expect(worker.connections()).toBe(0)
    })

    test.each(['Accept: */*', 'Expect: 100-continue'])(
      'a length beyond it is answered 413 at once, and no worker hears of it (%s)',
      async (field) => {
        const { gateway, worker } = await limited({ maxBodySize: 8 }, lanes)
        const client = new RawClient(gateway.port)
        const text = await client.send('POST / HTTP/1.1', 'Host: h', field, 'Content-Length: 9', '', '').closed()
        expect(text).toMatch(/^HTTP\/1.1 413 .*\r\nConnection: close\r\n.*"code":"REQUEST_TOO_LARGE"/s)
        expect(worker.connections()).toBe(0)
        expect(await refused(gateway, 'REQUEST_TOO_LARGE')).toBe(1)
      },
    )

    test('what is just as long as allowed goes through, by length and in chunks', async () => {
      const { gateway, worker } = await limited({ maxBodySize: 8 }, lanes)
      const client = new RawClient(gateway.port)
      await client.send('POST / HTTP/1.1', 'Host: h', 'Content-Length: 8', '', '12345end').until(/ok$/)
      const chunks = ['4', '1234', '4;x=y', '5678', '0', '', '']
      await client.send('POST / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked', '', ...chunks).until(/ok$/)
      await client.send(get()).until(/ok$/)
      expect(worker.record.heads).toBe(3)
    })

    test('chunks are answered 413 as soon as they are too many, and the worker never sees an end', async () => {
      const { gateway, worker } = await limited({ maxBodySize: 8 }, lanes)
      const client = new RawClient(gateway.port)
      client.send('POST / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked', '', '5', '12345', '')
      await eventually(() => worker.record.bytes.includes('12345'))
      client.send('4', '6789', '0', '', get('/smuggled'))
      expect(await client.closed()).toMatch(/^HTTP\/1.1 413 .*\r\nConnection: close\r\n.*"code":"REQUEST_TOO_LARGE"/s)
      await eventually(() => worker.record.closed === 1)
      expect(worker.record.bytes).not.toMatch(/\r\n0\r\n|smuggled|6789/)
      expect(worker.record.heads).toBe(1)
      expect(await refused(gateway, 'REQUEST_TOO_LARGE')).toBe(1)
      expect(gateway.channel.bodiesOf('ejected')).toEqual([])
    })

    test('one chunk that is too long, all in one piece with its head, is answered 413', async () => {
      const { gateway, worker } = await limited({ maxBodySize: 8 }, lanes)
      const client = new RawClient(gateway.port)
      const head = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n'
      const text = await client
        .send(`${head}fffff\r\n${'x'.repeat(0xfffff)}\r\n0\r\n\r\n`)
        .until(/REQUEST_TOO_LARGE"[^}]*}\n/)
      expect(text).toMatch(/^HTTP\/1.1 413 /)
      expect(worker.record.bytes).not.toContain('\r\n0\r\n')
    })

    test('where the answer has begun, it is cut', async () => {
      const worker = await startRawWorker((socket) =>
        socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')),
      )
      const gateway = await startGateway({ v1: [worker.target] }, { maxBodySize: 8 }, lanes)
      const client = new RawClient(gateway.port)
      client.send('POST / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked', '', '5', '12345', '')
      await client.until(/half$/)
      client.send('4', '6789', '')
      expect(await client.closed()).toBe('')
      expect(client.hasEnded && client.error === null).toBe(false)
    })

    test('whatever comes, and however it is cut: all bodies within the limit, then 413, and nothing behind it', {
      timeout: 120_000,
    }, async () => {
      const worker = await startRecordingWorker(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      const gateway = await startGateway({ v1: [worker.target] }, { maxBodySize: 10 }, lanes)
      const head = 'POST / HTTP/1.1\r\nHost: h\r\n'
      const measured = fc.nat(14).map((size) => {
        return { size, text: `${head}Content-Length: ${size}\r\n\r\n${'x'.repeat(size)}` }
      })
      const chunked = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 4 }).map((sizes) => {
        const chunks = sizes.map((size) => `${size}\r\n${'x'.repeat(size)}\r\n`).join('')
        const size = sizes.reduce((sum, one) => sum + one, 0)
        return { size, text: `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n` }
      })
      const requests = fc.array(fc.oneof(measured, chunked), { minLength: 1, maxLength: 4 })
      await fc.assert(
        fc.asyncProperty(requests, fc.array(fc.nat(), { maxLength: 4 }), async (sent, cuts) => {
          worker.requests.length = 0
          const tooLong = sent.findIndex(({ size }) => size > 10)
          const served = tooLong === -1 ? sent : sent.slice(0, tooLong)
          const client = new RawClient(gateway.port)
          client.socket.setNoDelay(true)
          const bytes = sent.map(({ text }) => text).join('')
          let at = 0
          for (const cut of [...cuts.map((one) => one % bytes.length).sort((a, b) => a - b), bytes.length]) {
            client.send(bytes.slice(at, cut))
            at = cut
            await new Promise((resolve) => setTimeout(resolve, 1))
          }
          const all = new RegExp(`^(?:HTTP/1\\.1 200[^]*?\r\n\r\nok){${served.length}}$`)
          const text = tooLong === -1 ? await client.until(all) : await client.closed()
          const statuses = Array.from(text.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => Number(status))
          expect(statuses).toEqual([...served.map(() => 200), ...(tooLong === -1 ? [] : [413])])
          expect(worker.requests.splice(0).map(({ body }) => body.length)).toEqual(served.map(({ size }) => size))
          expect(worker.faults).toEqual([])
          client.socket.destroy()
        }),
        { numRuns: 60 },
      )
    })

    test('0 is any size', async () => {
      const { gateway } = await limited({ maxBodySize: 0 }, lanes)
      const client = new RawClient(gateway.port)
      client.send('POST / HTTP/1.1', 'Host: h', 'Content-Length: 1000003', '', `${'x'.repeat(1_000_000)}end`)
      await client.until(/ok$/)
    })
  })

  describe('maxHeaderSize', () => {
    test('a head beyond it is answered 431, a target beyond it 414, and they are counted', async () => {
      const { gateway, worker } = await limited({ maxHeaderSize: 2_000 }, lanes)
      const long = 'x'.repeat(3_000)
      expect(await new RawClient(gateway.port).send(get('/', `X: ${long}`)).closed()).toMatch(/^HTTP\/1.1 431 /)
      expect(await new RawClient(gateway.port).send(get(`/${long}`)).closed()).toMatch(/^HTTP\/1.1 414 /)
      expect(worker.connections()).toBe(0)
      expect(await refused(gateway, 'HEADERS_TOO_LARGE')).toBe(1)
      expect(await refused(gateway, 'TARGET_TOO_LONG')).toBe(1)
    })

    test('it may be raised, and lowered again, while the gateway runs', async () => {
      const { gateway, worker } = await limited({ maxHeaderSize: 64 * 1024 }, lanes)
      const large = get('/', `X: ${'x'.repeat(40_000)}`)
      await new RawClient(gateway.port).send(large).until(/ok$/)
      expect(worker.record.bytes.length).toBeGreaterThan(40_000)
      await gateway.configure({ maxHeaderSize: 16 * 1024 })
      expect(await new RawClient(gateway.port).send(large).closed()).toMatch(/^HTTP\/1.1 431 /)
    })
  })

  describe('maxConnections', () => {
    test('one more is answered 503, and has its place when another has gone', async () => {
      const { gateway, worker } = await limited({ maxConnections: 2 }, lanes)
      const [one, two] = [new RawClient(gateway.port), new RawClient(gateway.port)]
      for (const client of [one, two]) await client.send(get()).until(/ok$/)
      const third = await new RawClient(gateway.port).send(get()).closed()
      expect(third).toMatch(/^HTTP\/1.1 503 .*\r\nRetry-After: 1\r\nConnection: close\r\n.*TOO_MANY_CONNECTIONS/s)
      expect(worker.record.heads).toBe(2)
      expect(await refused(gateway, 'TOO_MANY_CONNECTIONS')).toBe(1)
      await two.send(get()).until(/ok$/)
      one.socket.destroy()
      await one.closed()
      for (;;) {
        const client = new RawClient(gateway.port).send(get())
        if (/^HTTP\/1.1 200 /.test(await client.until(/^HTTP\/1.1 \d+ .*/))) break
      }
      await gateway.configure({ maxConnections: 0 })
      await Promise.all(Array.from({ length: 5 }, () => new RawClient(gateway.port).send(get()).until(/ok$/)))
    })

    test('of a binding with TLS it is closed before the handshake, and counted', async () => {
      const tlsOptions = { pem: join(import.meta.dirname, 'fixtures', 'localhost.pem') }
      const binding = { port: 0, tlsOptions, redirect: null, proxyProtocol: false }
      const { gateway } = await limited({ maxConnections: 1, binding }, lanes)
      const dial = () => new RawClient(connectTls({ port: gateway.port, host: '127.0.0.1', rejectUnauthorized: false }))
      const one = dial()
      await one.send(get()).until(/ok$/)
      const two = dial()
      expect(await two.closed()).toBe('')
      expect(await refused(gateway, 'TOO_MANY_CONNECTIONS')).toBe(1)
      await gateway.configure({ maxConnections: 2 })
      await dial().send(get()).until(/ok$/)
    })
  })

  describe('maxRequestsInFlight', () => {
    test('one more for the version is answered 503; others are not concerned, and the place is free again', async () => {
      const waiting: Array<() => void> = []
      const slow = await startWorker((_req, res) => void waiting.push(() => res.end('slow')))
      const other = await startWorker((_req, res) => res.end('other'))
      const versions = { v1: [slow.target], v2: [other.target] }
      const gateway = await startGateway(versions, { maxRequestsInFlight: 2 }, lanes)
      const clients = [new RawClient(gateway.port).send(get()), new RawClient(gateway.port).send(get())]
      await eventually(() => waiting.length === 2)
      const third = new RawClient(gateway.port).send(get())
      expect(await third.until(/VERSION_BUSY"[^}]*}\n/)).toMatch(/^HTTP\/1.1 503 .*\r\nRetry-After: 1\r\n/s)
      expect(await refused(gateway, 'VERSION_BUSY')).toBe(1)
      await third.send(get('/', 'x-version: v2')).until(/other$/)
      for (const end of waiting) end()
      await Promise.all(clients.map((client) => client.until(/slow$/)))
      third.send(get())
      await eventually(() => waiting.length === 3)
      waiting[2]?.()
      await third.until(/slow$/)
    })

    test('those that wait for the version to start are among them', async () => {
      const worker = await startWorker((_req, res) => res.end('ok'))
      const gateway = await startGateway(
        { v1: { state: 'cold', attempt: 0, targets: [] } },
        { maxRequestsInFlight: 1 },
        lanes,
      )
      const one = new RawClient(gateway.port).send(get())
      await gateway.channel.until(() => gateway.channel.bodiesOf('demand')[0])
      expect(await new RawClient(gateway.port).send(get()).until(/VERSION_BUSY/)).toMatch(/^HTTP\/1.1 503 /)
      gateway.route({ v1: [worker.target] })
      await one.until(/ok$/)
    })
  })

  test('whatever the gateway refuses is counted under its code', async () => {
    const { gateway } = await limited({}, lanes)
    await new RawClient(gateway.port).send(get('/', 'x-version: none')).until(/UNKNOWN_VERSION/)
    await new RawClient(gateway.port).send('GET / HTTP/1.1', '', '').until(/BAD_HOST/)
    await new RawClient(gateway.port).send('nonsense', '', '').until(/BAD_REQUEST/)
    for (const code of ['UNKNOWN_VERSION', 'BAD_HOST', 'BAD_REQUEST']) expect(await refused(gateway, code)).toBe(1)
  })
})

test('counts go out in batches, and a flood of refusals is one line of the log in ten seconds', () => {
  vi.useFakeTimers({ now: 1_000_000 })
  try {
    const batches: unknown[] = []
    const lines: unknown[] = []
    const log = { ...silentLog(), warn: (...parts: unknown[]) => void lines.push(parts) } as ReturnType<
      typeof silentLog
    >
    const refusals = new Refusals((counts) => batches.push(counts), log)
    for (let index = 0; index < 1_000; index++) refusals.count('TOO_MANY_CONNECTIONS', '192.0.2.7')
    refusals.count('UNKNOWN_VERSION')
    vi.advanceTimersByTime(500)
    expect(batches).toEqual([
      [
        ['TOO_MANY_CONNECTIONS', 1_000],
        ['UNKNOWN_VERSION', 1],
      ],
    ])
    expect(lines).toMatchObject([
      [{ code: 'TOO_MANY_CONNECTIONS', count: 1, client: '192.0.2.7' }, expect.stringContaining('maxConnections')],
    ])
    vi.advanceTimersByTime(9_500)
    refusals.count('TOO_MANY_CONNECTIONS', '192.0.2.8')
    expect(lines[1]).toMatchObject([{ count: 1_000, client: '192.0.2.8' }, expect.any(String)])
    refusals.flush()
    refusals.flush()
    expect(batches.length).toBe(2)
    for (let index = 0; index < 99; index++) refusals.count('BAD_REQUEST')
    expect(lines.length).toBe(2)
    for (let index = 0; index < 1_000; index++) refusals.count('BAD_REQUEST')
    expect(lines.slice(2)).toMatchObject([[{ code: 'BAD_REQUEST', count: 100 }, expect.stringContaining('many')]])
  } finally {
    vi.useRealTimers()
  }
})
