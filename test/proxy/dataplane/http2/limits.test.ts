import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { limits } from '../../../../src/proxy/dataplane/http2/limits.ts'
import { block, ErrorCode, Flag, type FrameClient, frame, request, Type } from '../../../support/http2-frames.ts'
import { eventually, type Gateway, startRawWorker, startWorker } from '../harness.ts'
import { ask, dial, dialFrames, startClearGateway } from './h2-harness.ts'

const binding = { port: 0, tlsOptions: null, redirect: null, http2: true }

async function gatewayWithWorker(settings = {}) {
  let requests = 0
  const worker = await startWorker((_req, res) => {
    requests++
    res.end('ok')
  })
  const gateway = await startClearGateway({ v1: [worker.target] }, { binding, ...settings })
  return { gateway, requests: () => requests }
}

/** How many were counted of these kinds: newer Node lines end some floods before we count them. */
async function counted({ channel }: Gateway, ...codes: string[]): Promise<number> {
  const all = () => channel.bodiesOf('refused').flatMap(({ counts }) => counts)
  await channel.until(() => all().some(([kind]) => codes.includes(kind)))
  return all().reduce((sum, [kind, count]) => (codes.includes(kind) ? sum + count : sum), 0)
}

/** Sends pieces until the connection has ended. */
async function flood(client: FrameClient, piece: () => Buffer): Promise<void> {
  const closed = client.closed()
  while (!client.isClosed && !client.socket.destroyed) {
    if (!client.socket.write(piece())) {
      await Promise.race([once(client.socket, 'drain').catch(() => {}), closed])
    } else await new Promise((resolve) => setImmediate(resolve))
  }
  await closed
}

test('one request after the other that is reset at once ends the connection, and hardly any reach a worker', async () => {
  const { gateway, requests } = await gatewayWithWorker()
  const client = dialFrames(gateway)
  let stream = -1
  await flood(client, () => {
    const frames = Array.from({ length: 20 }, () => {
      stream += 2
      const cancel = frame(Type.reset, 0, stream, Buffer.from([0, 0, 0, ErrorCode.cancel]))
      return Buffer.concat([frame(Type.headers, Flag.endHeaders | Flag.endStream, stream, request()), cancel])
    })
    return Buffer.concat(frames)
  })
  expect(await client.goaway()).toBe(ErrorCode.calm)
  expect(await counted(gateway, 'HTTP2_RAPID_RESET')).toBe(1)
  expect(requests()).toBeLessThan(limits.resets.burst)
  expect(await ask(dial(gateway))).toMatchObject({ status: 200 })
})

const ping = frame(Type.ping, 0, 0, '12345678')
const settings = frame(Type.settings, 0, 0, Buffer.from([0, 3, 0, 0, 0, 100]))
const windowUpdate = frame(Type.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1]))
const priority = frame(Type.priority, 0, 1, Buffer.from([0, 0, 0, 0, 16]))
const unknown = frame(0xbb, 0, 0, 'x'.repeat(1_000))

test.each([
  ['PING', ping],
  ['SETTINGS', settings],
  ['WINDOW_UPDATE', windowUpdate],
  ['PRIORITY', priority],
  ['frames that nobody knows', unknown],
])('a flood of %s ends the connection', async (_name, one) => {
  const { gateway } = await gatewayWithWorker()
  const client = dialFrames(gateway)
  await flood(client, () => Buffer.concat(Array.from({ length: 50 }, () => one)))
  expect(await client.goaway()).not.toBe(ErrorCode.none)
  expect(await counted(gateway, 'HTTP2_FLOOD', 'HTTP2_BROKEN')).toBe(1)
  expect(await ask(dial(gateway))).toMatchObject({ status: 200 })
})

test('a flood of empty DATA frames ends the connection', async () => {
  const { gateway } = await gatewayWithWorker()
  const client = dialFrames(gateway).headers(1, request({ method: 'POST' }), 0)
  await flood(client, () => Buffer.concat(Array.from({ length: 50 }, () => frame(Type.data, 0, 1))))
  expect(await counted(gateway, 'HTTP2_FLOOD')).toBe(1)
  expect(await ask(dial(gateway))).toMatchObject({ status: 200 })
})

test('a header section that never ends ends the connection, and reaches no worker', async () => {
  const { gateway, requests } = await gatewayWithWorker()
  const client = dialFrames(gateway)
  await client.until(({ type, flags }) => type === Type.settings && (flags & Flag.ack) !== 0)
  client.send(frame(Type.headers, Flag.endStream, 1, request()))
  await flood(client, () => frame(Type.continuation, 0, 1, block(['x', 'y'.repeat(1_000)])))
  expect(await counted(gateway, 'HTTP2_FLOOD')).toBe(1)
  expect(requests()).toBe(0)
  expect(await ask(dial(gateway))).toMatchObject({ status: 200 })
})

test('a header section that is too large, or has too many lines, reaches no worker', async () => {
  const { gateway, requests } = await gatewayWithWorker()
  const client = dialFrames(gateway)
  const many = Array.from({ length: limits.headerListPairs + 1 }, (_, index) => [`x${index}`, 'y'] as const)
  client.headers(1, request({}, ...many))
  await client.reset(1)
  const large = Array.from({ length: 4 }, () => ['x', 'y'.repeat(3_900)] as const)
  client.headers(3, request({}, ...large))
  const rest = Array.from({ length: 3 }, () => ['x', 'y'.repeat(3_900)] as const)
  client.send(frame(Type.headers, Flag.endStream, 5, request({}, ...large)))
  client.send(
    frame(Type.continuation, 0, 5, block(...rest)),
    frame(Type.continuation, Flag.endHeaders, 5, block(...rest)),
  )
  await client.until(({ stream, type }) => (stream === 5 && type === Type.reset) || type === Type.goaway)
  expect(requests()).toBeLessThanOrEqual(1)
})

test('more streams than were announced are not carried', async () => {
  const sockets: Socket[] = []
  const worker = await startRawWorker((socket) => sockets.push(socket.resume()))
  const gateway = await startClearGateway({ v1: [worker.target] })
  const client = dialFrames(gateway)
  await client.until(({ type, flags }) => type === Type.settings && (flags & Flag.ack) !== 0)
  for (let index = 0; index < limits.concurrentStreams; index++) client.headers(1 + 2 * index, request())
  await eventually(() => sockets.length === limits.concurrentStreams)
  const beyond = 1 + 2 * limits.concurrentStreams
  client.headers(beyond, request())
  await client.until(({ type, stream }) => type === Type.goaway || (type === Type.reset && stream === beyond))
  expect(sockets).toHaveLength(limits.concurrentStreams)
})

test('a client that takes nothing of an answer loses its stream, and the worker is free again', async () => {
  const { gateway, sockets } = await withLargeAnswer({ sendTimeout: 300 })
  const window = Buffer.from([0, 4, 0, 0, 0, 0])
  const client = dialFrames(gateway, window).headers(1, request())
  expect(await client.reset(1)).toBe(ErrorCode.calm)
  expect(await counted(gateway, 'HTTP2_STALLED')).toBe(1)
  await eventually(() => sockets.every(({ destroyed }) => destroyed))
})

test('a header section that comes slowly is cut in time, and so is a client that says nothing', async () => {
  const { gateway } = await gatewayWithWorker({ headTimeout: 200 })
  const began = Date.now()
  const slow = dialFrames(gateway)
  await slow.until(({ type, flags }) => type === Type.settings && (flags & Flag.ack) !== 0)
  slow.send(frame(Type.headers, Flag.endStream, 1, request()))
  const silent = dialFrames(gateway)
  const afterOne = dialFrames(gateway).headers(1, request())
  await afterOne.body(1)
  afterOne.send(frame(Type.headers, Flag.endStream, 3, request()))
  await Promise.all([slow.closed(), silent.closed(), afterOne.closed()])
  expect(await slow.goaway()).toBe(ErrorCode.calm)
  expect(Date.now() - began).toBeLessThan(5_000)
})

test.each([
  ['makes no sense', block([':method', ''])],
  ['has too many lines', request({}, ...Array.from({ length: 300 }, (_, index) => [`x-${index}`, 'y'] as const))],
])('a header section that %s costs its stream, not those beside it', async (_what, bad) => {
  const { gateway, sockets } = await withLargeAnswer({ headTimeout: 100 })
  const client = dialFrames(gateway).headers(1, request({ path: '/later' }))
  await eventually(() => sockets.length === 1)
  client.headers(3, bad)
  await client.reset(3)
  const asked = await client.until(({ type, flags }) => type === Type.ping && (flags & Flag.ack) === 0)
  client.send(frame(Type.ping, Flag.ack, 0, asked.payload))
  await new Promise((resolve) => setTimeout(resolve, 400))
  client.headers(5, request({ path: '/small' }))
  await client.body(5)
  expect(client.isClosed).toBe(false)
})

test('a connection that has been idle for its time is closed, one in use is not', async () => {
  const { gateway, sockets } = await withLargeAnswer({ keepAliveTimeout: 300 })
  const used = dialFrames(gateway).headers(1, request({ path: '/later' }))
  await eventually(() => sockets.length === 1)
  const idle = dial(gateway)
  idle.settings({})
  const other = dial(gateway)
  await new Promise((resolve) => other.once('connect', resolve))
  const stream = other.request({ ':path': '/small' })
  stream.resume()
  await once(stream, 'close')
  await once(other, 'close')
  expect(used.isClosed).toBe(false)
})

test('while draining, what is under way is finished, and the client is told what it may send again elsewhere', async () => {
  const sockets: Socket[] = []
  const worker = await startRawWorker((socket) => sockets.push(socket.resume()))
  const gateway = await startClearGateway({ v1: [worker.target] })
  const client = dialFrames(gateway).headers(1, request({ path: '/slow' }))
  await eventually(() => sockets.length === 1)
  const stopped = gateway.process.stop(5_000)
  const notice = await client.until(({ type }) => type === Type.goaway)
  expect([notice.payload.readUInt32BE(0), notice.payload.readUInt32BE(4)]).toEqual([1, ErrorCode.none])
  client.headers(3, request({ path: '/late' }))
  sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow')
  expect(await client.body(1)).toBe('slow')
  await client.closed()
  await stopped
  expect(sockets).toHaveLength(1)
})

test('at the deadline of a drain, what is left is cut off and looks it', async () => {
  const { gateway, sockets } = await withLargeAnswer({})
  const client = dialFrames(gateway).headers(1, request({ path: '/later' }))
  await eventually(() => sockets.length === 1)
  await gateway.process.stop(200)
  await client.closed()
  expect(
    client.frames.some(({ stream, flags, type }) => stream === 1 && type <= 1 && (flags & Flag.endStream) !== 0),
  ).toBe(false)
})

/** A worker that answers `/small` at once, `/later` never, and everything else with more than anybody takes. */
async function withLargeAnswer(settings: object) {
  const sockets: Socket[] = []
  const worker = await startRawWorker((socket) => {
    sockets.push(socket)
    socket.on('data', (chunk) => {
      const path = String(chunk).split(' ')[1]
      if (path === '/small') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      else if (path === '/') socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1_000_000)}`)
    })
  })
  return { sockets, gateway: await startClearGateway({ v1: [worker.target] }, { binding, ...settings }) }
}
