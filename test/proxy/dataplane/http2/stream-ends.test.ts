import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { ErrorCode, Flag, type FrameClient, frame, request, Type } from '../../../support/http2-frames.ts'
import { eventually, type Gateway, refused, startRawWorker, startWorker } from '../harness.ts'
import { dialFrames, startClearGateway } from './h2-harness.ts'

const streamWindow = 256 * 1024

async function startUpload(isRead = true) {
  const seen = { text: '', hasEnded: false, socket: null as Socket | null }
  const worker = await startRawWorker((socket) => {
    seen.socket = socket
    socket.on('end', () => {
      seen.hasEnded = true
    })
    if (isRead) socket.on('data', (chunk) => (seen.text += chunk.toString('latin1')))
    else socket.pause()
  })
  const gateway = await startClearGateway({ v1: [worker.target] })
  const client = dialFrames(gateway).headers(1, request({ method: 'POST' }), 0)
  return { gateway, client, seen }
}

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const reset = (stream: number, code: number): Buffer => frame(Type.reset, 0, stream, number(code))

/** Resolves when no request is under way any more. */
async function allOver({ channel }: Gateway): Promise<void> {
  await channel.until(() => channel.bodiesOf('counters').at(-1)?.versions.at(-1)?.inFlight === 0)
}

test.each<[string, (client: FrameClient) => unknown]>([
  ['a reset with NO_ERROR', (client) => client.send(reset(1, ErrorCode.none))],
  ['a reset with CANCEL', (client) => client.send(reset(1, ErrorCode.cancel))],
  ['the end of the connection', (client) => client.socket.end()],
  ['a broken connection', (client) => client.socket.resetAndDestroy()],
])('a body that is cut short by %s looks so to the worker', async (_how, cut) => {
  const { gateway, client, seen } = await startUpload()
  client.send(frame(Type.data, 0, 1, 'hello'))
  await eventually(() => seen.text.endsWith('5\r\nhello\r\n'))
  cut(client)
  await eventually(() => seen.hasEnded || seen.socket?.destroyed === true)
  expect(seen.text).toMatch(/5\r\nhello\r\n$/)
  await allOver(gateway)
})

test('a reset ends the request of a worker that does not read', async () => {
  const { gateway, client } = await startUpload(false)
  const piece = frame(Type.data, 0, 1, 'x'.repeat(16_000))
  const window = () =>
    client.frames.reduce(
      (sum, { type, stream, payload }) =>
        type === Type.windowUpdate && stream === 1 ? sum + payload.readUInt32BE(0) : sum,
      streamWindow,
    )
  let sent = 0
  let quiet = 0
  while (quiet < 40) {
    if (sent + 16_000 > window()) quiet++
    else {
      quiet = 0
      client.send(piece)
      sent += 16_000
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  client.send(reset(1, ErrorCode.none))
  await allOver(gateway)
})

test('an answer that comes before the end of its request, and is not taken, is given up once', async () => {
  const worker = await startWorker((_req, res) => res.end('x'.repeat(10_000)))
  const gateway = await startClearGateway({ v1: [worker.target] }, { sendTimeout: 200 })
  const noWindow = Buffer.from([0, 4, 0, 0, 0, 0])
  const client = dialFrames(gateway, noWindow).headers(1, request({ method: 'POST' }), 0)
  client.send(frame(Type.data, 0, 1, 'hello'))
  expect(await client.reset(1)).toBe(ErrorCode.calm)
  await allOver(gateway)
  expect(await refused(gateway, 'HTTP2_STALLED')).toBe(1)
})

test.each([
  ['DATA on a stream that was never opened', frame(Type.data, 0, 9, 'x')],
  ['DATA behind the end of a request', Buffer.concat([frame(Type.headers, 5, 3, request()), frame(Type.data, 0, 3)])],
  ['SETTINGS of an odd size', frame(Type.settings, 0, 0, 'x')],
])('a connection that is over for %s leaves no request behind', async (_what, bytes) => {
  const worker = await startRawWorker(() => {})
  const gateway = await startClearGateway({ v1: [worker.target] }, { sendTimeout: 200 })
  const client = dialFrames(gateway).headers(1, request({ method: 'POST' }), 0)
  await eventually(() => worker.connections() === 1)
  client.send(bytes)
  await client.goaway()
  await client.closed()
  await allOver(gateway)
})

test('a client that waits without a word stays, as long as it is there', async () => {
  const worker = await startRawWorker(() => {})
  const gateway = await startClearGateway({ v1: [worker.target] }, { sendTimeout: 100 })
  const client = dialFrames(gateway).headers(1, request())
  for (let round = 1; round <= 3; round++) {
    const pings = () => client.frames.filter(({ type, flags }) => type === Type.ping && flags === 0)
    await client.until(() => pings().length === round)
    client.send(frame(Type.ping, Flag.ack, 0, pings().at(-1)?.payload))
  }
  expect(client.isClosed).toBe(false)
})
