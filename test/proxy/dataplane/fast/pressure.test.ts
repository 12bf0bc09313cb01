import { createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../../../src/common/log.ts'
import { Dispatcher } from '../../../../src/proxy/dataplane/dispatcher.ts'
import { FastConnection } from '../../../../src/proxy/dataplane/fast/fast-connection.ts'
import { Turn } from '../../../../src/proxy/dataplane/fast/turn.ts'
import { WorkerConnections } from '../../../../src/proxy/dataplane/fast/worker-connections.ts'
import { TrustedPeers } from '../../../../src/proxy/dataplane/forwarding.ts'
import { Refusals } from '../../../../src/proxy/dataplane/refusals.ts'
import type { Target } from '../../../../src/proxy/routing/route-table.ts'
import { defaultSettings, eventually, get, RawClient, startGateway, startRawWorker, tableOf } from '../harness.ts'

const ok = (text: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`

/** One connection of the fast lane whose gateway's end is in our hands. */
async function acceptOne(target: Target): Promise<{ client: RawClient; socket: Socket; connection: FastConnection }> {
  const dispatcher = new Dispatcher({ settings: () => defaultSettings, send: () => {} })
  dispatcher.update(tableOf({ v1: [target] }, 'v1', 1))
  const turn = new Turn()
  const workers = new WorkerConnections(turn)
  const context = {
    dispatcher,
    log: silentLog(),
    settings: () => defaultSettings,
    trustedPeers: () => new TrustedPeers([]),
    isReady: () => true,
    accessLog: () => null,
    mirror: () => null,
    refusals: new Refusals(() => {}, silentLog()),
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const client = new RawClient(typeof address === 'object' ? (address?.port ?? 0) : 0)
  onTestFinished(() => {
    connection.destroy()
    server.close()
    workers.close()
  })
  const connection = new FastConnection(await accepted, {
    context,
    workers,
    turn,
    isDraining: false,
    onDeclined: (declined) => declined.destroy(),
    onClosed: () => {},
  })
  return { client, socket: connection.socket, connection }
}

test('a client that sends requests faster than they are answered, and reads the answers, does not fill our memory', async () => {
  let answers = 0
  const worker = await startRawWorker((socket) => {
    socket.on('data', () => {
      answers++
      socket.write(ok('ok'))
    })
  })
  const { client, socket, connection } = await acceptOne(worker.target)
  client.socket.on('data', () => {
    client.text = ''
  })
  const request = get('/again')
  client.socket.write(Buffer.from(request.repeat(Math.ceil(60_000_000 / request.length))))
  await eventually(() => answers >= 1_500)
  const taken = socket.bytesRead - answers * request.length
  connection.destroy()
  expect(taken).toBeLessThan(1_000_000)
})

test('a client that has not taken the end of its answer yet is not idle, though little is left', async () => {
  const worker = await startRawWorker((socket) => socket.on('data', () => socket.write(ok('x'.repeat(10_000)))))
  const { client, socket, connection } = await acceptOne(worker.target)
  client.socket.pause()
  while (socket.writableLength === 0) {
    const before = socket.bytesWritten
    client.send(get())
    await eventually(() => socket.bytesWritten >= before + 10_000)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  expect(connection.isIdle).toBe(false)
  connection.check(Date.now() + 1_000_000)
  expect(socket.destroyed).toBe(false)
  client.socket.on('data', () => {
    client.text = ''
  })
  client.socket.resume()
  await eventually(() => connection.isIdle)
})

test('an upload goes on to its end when the worker, which takes no more of it, says more than it was asked', async () => {
  const size = 40_000_000
  const workers: Socket[] = []
  const worker = await startRawWorker((socket) => {
    workers.push(socket)
    socket.once('data', () => {
      socket.pause()
      socket.write(ok('early'))
    })
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.socket.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`)
  await client.until(/early$/)
  let before = -1
  client.socket.write(Buffer.alloc(size, 'x'))
  while (client.socket.bytesWritten !== before) {
    before = client.socket.bytesWritten
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  expect(client.socket.writableLength).toBeGreaterThan(0)
  workers[0]?.write('more')
  await eventually(() => client.socket.writableLength === 0)
  gateway.route({ v2: [] })
  await gateway.channel.until(() => gateway.channel.bodiesOf('released').length === 1)
})

test('a connection on which the end of a request still waits to be sent gets no other one after an early answer', async () => {
  const workers: Socket[] = []
  const worker = await startRawWorker((socket) => {
    if (workers.push(socket.pause()) > 1) socket.write(ok('early'))
  })
  const { client, socket } = await acceptOne(worker.target)
  const body = 'x'.repeat(10_000)
  const request = `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  for (let sent = 1; workers.length < 2 && sent < 3_000; sent++) {
    client.send(request)
    await eventually(() => socket.bytesRead === sent * request.length && workers.length > 0)
    workers[0]?.write(ok('early'))
    await client.until(/early$/)
  }
  expect(workers).toHaveLength(2)
})

test.each([
  ['length', 'HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 6\r\n\r\nwhole!', /\r\n\r\nwhole!$/],
  [
    'chunks and trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nwho\r\n03\r\nle!\r\n0\r\nX-T: 1\r\n\r\n',
    /who\r\n.*le!\r\n0\r\nX-T: 1\r\n\r\n$/s,
  ],
  ['an early hint', `HTTP/1.1 103 Early\r\nLink: x\r\n\r\n${ok('whole!')}`, /^HTTP\/1.1 103 .*\r\n\r\nwhole!$/s],
  ['no body', 'HTTP/1.1 304 Same\r\nETag: "9"\r\n\r\n', /^HTTP\/1.1 304 .*\r\n\r\n$/s],
])(
  'an answer with %s is the same wherever it is cut, and the next request is answered',
  async (_name, answer, whole) => {
    let cut = 0
    let connections = 0
    const worker = await startRawWorker((socket) => {
      connections++
      socket.setNoDelay(true)
      socket.on('data', (chunk) => {
        if (String(chunk).includes('/next')) return socket.write(ok('next'))
        socket.write(answer.slice(0, cut), 'latin1')
        setTimeout(() => socket.write(answer.slice(cut), 'latin1'), 1)
      })
    })
    const gateway = await startGateway({ v1: [worker.target] })
    const client = new RawClient(gateway.port)
    for (cut = 1; cut < answer.length; cut++) {
      client.send(get('/cut') + get('/next'))
      const text = await client.until(/\r\n\r\nnext$/)
      expect(text.slice(0, text.lastIndexOf('HTTP/1.1 200'))).toMatch(whole)
    }
    expect(connections).toBe(1)
  },
)
