import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { deflateRawSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { startGateway } from './harness.ts'

/**
 * A WebSocket through the gateway is a direct one: for the classes of cases that the Autobahn test suite has, the same bytes
 * come back (RFC 6455, RFC 7692), and the connection ends the same way.
 */

const Op = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d])

interface FrameOptions {
  readonly isLast?: boolean
  /** RSV1 … RSV3 as 4, 2, 1. */
  readonly reserved?: number
  readonly isMasked?: boolean
}

function frame(opcode: number, payload: Buffer | string = '', options: FrameOptions = {}): Buffer {
  const { isLast = true, reserved = 0, isMasked = true } = options
  const body = Buffer.from(payload as string)
  const first = (isLast ? 0x80 : 0) | (reserved << 4) | opcode
  const bit = isMasked ? 0x80 : 0
  let head: Buffer
  if (body.length < 126) head = Buffer.from([first, bit | body.length])
  else if (body.length < 65_536) head = Buffer.from([first, bit | 126, body.length >> 8, body.length & 0xff])
  else {
    head = Buffer.alloc(10)
    head[0] = first
    head[1] = bit | 127
    head.writeBigUInt64BE(BigInt(body.length), 2)
  }
  if (!isMasked) return Buffer.concat([head, body])
  return Buffer.concat([head, mask, body.map((byte, index) => byte ^ (mask[index % 4] ?? 0))])
}

const close = (code: number | null = 1000, reason: Buffer | string = ''): Buffer =>
  frame(
    Op.close,
    code === null ? '' : Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason as string)]),
  )
const sizes = [0, 1, 125, 126, 127, 128, 65_535, 65_536, 1_048_576]
const part: FrameOptions = { isLast: false }
const deflated = (text: string): Buffer => {
  const bytes = deflateRawSync(text, { finishFlush: 2 /* Z_SYNC_FLUSH */ })
  return bytes.subarray(0, bytes.length - 4)
}

interface Case {
  readonly name: string
  readonly pieces: readonly Buffer[]
  readonly isDeflated?: boolean
  readonly isChopped?: boolean
}

const cases: Case[] = [
  ...sizes.map((size) => ({ name: `text of ${size} bytes`, pieces: [frame(Op.text, '*'.repeat(size)), close()] })),
  ...sizes.map((size) => ({
    name: `binary of ${size} bytes`,
    pieces: [frame(Op.binary, Buffer.alloc(size, 0xfe)), close()],
  })),
  { name: 'text, byte by byte', pieces: [frame(Op.text, 'é'.repeat(100)), close()], isChopped: true },
  { name: 'ping, empty and with 125 bytes', pieces: [frame(Op.ping), frame(Op.ping, 'p'.repeat(125)), close()] },
  { name: 'ping with too much', pieces: [frame(Op.ping, 'p'.repeat(126)), close()] },
  {
    name: 'ten pings, byte by byte',
    pieces: [...Array(10)].map(() => frame(Op.ping, 'x')).concat(close()),
    isChopped: true,
  },
  { name: 'a pong that nobody asked for', pieces: [frame(Op.pong, 'x'), frame(Op.text, 'a'), close()] },
  ...[1, 2, 4, 7].map((reserved) => ({
    name: `reserved bits ${reserved}`,
    pieces: [frame(Op.text, 'a', { reserved }), close()],
  })),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => ({
    name: `reserved opcode ${opcode}`,
    pieces: [frame(Op.text, 'a'), frame(opcode, 'b'), close()],
  })),
  {
    name: 'fragments with control frames between them',
    pieces: [
      frame(Op.text, 'one', part),
      frame(Op.ping, 'p'),
      frame(Op.continuation, 'two', part),
      frame(Op.pong, 'q'),
      frame(Op.continuation, 'three'),
      close(),
    ],
  },
  { name: 'a fragmented ping', pieces: [frame(Op.ping, 'a', part), frame(Op.continuation, 'b'), close()] },
  { name: 'a continuation of nothing', pieces: [frame(Op.continuation, 'a'), close()] },
  { name: 'a new message within another', pieces: [frame(Op.text, 'a', part), frame(Op.text, 'b'), close()] },
  { name: 'a message of empty fragments', pieces: [frame(Op.text, '', part), frame(Op.continuation), close()] },
  { name: 'a frame without a mask', pieces: [frame(Op.text, 'a', { isMasked: false }), close()] },
  { name: 'text of several bytes a character', pieces: [frame(Op.text, 'κόσμε 👍'), close()] },
  {
    name: 'a character cut by a fragment',
    pieces: [frame(Op.text, Buffer.from([0xce]), part), frame(Op.continuation, Buffer.from([0xba])), close()],
  },
  ...['c080', 'eda080', 'f4908080', 'ff', 'ce', 'f8888080af'].map((hex) => ({
    name: `text that is no UTF-8: ${hex}`,
    pieces: [frame(Op.text, Buffer.from(hex, 'hex')), close()],
  })),
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code) => ({
    name: `close ${code}`,
    pieces: [close(code, 'why')],
  })),
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535].map((code) => ({
    name: `close ${code}, which is none`,
    pieces: [close(code)],
  })),
  { name: 'close without a code', pieces: [close(null)] },
  { name: 'close with one byte', pieces: [frame(Op.close, 'x')] },
  { name: 'close with 123 bytes of reason', pieces: [close(1000, 'r'.repeat(123))] },
  { name: 'close with too much', pieces: [close(1000, 'r'.repeat(124))] },
  { name: 'close with a reason that is no UTF-8', pieces: [close(1000, Buffer.from([0xc0, 0x80]))] },
  { name: 'two closes, and text behind the first', pieces: [close(), frame(Op.text, 'late'), close()] },
  { name: 'the end of the connection without a close', pieces: [frame(Op.text, 'a')] },
  ...['', 'a', 'abc'.repeat(10_000)].map((text) => ({
    name: `deflated text of ${text.length} bytes`,
    pieces: [frame(Op.text, deflated(text), { reserved: 4 }), frame(Op.text, 'plain'), close()],
    isDeflated: true,
  })),
  { name: 'deflated in fragments', pieces: fragments(deflated('abc'.repeat(1_000))), isDeflated: true },
  { name: 'deflated that is not', pieces: [frame(Op.text, 'junk', { reserved: 4 }), close()], isDeflated: true },
]

function fragments(bytes: Buffer): Buffer[] {
  const middle = Math.floor(bytes.length / 2)
  return [
    frame(Op.text, bytes.subarray(0, middle), { isLast: false, reserved: 4 }),
    frame(Op.ping, 'p'),
    frame(Op.continuation, bytes.subarray(middle)),
    close(),
  ]
}

async function startEcho(): Promise<number> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } })
  server.on('connection', (socket) => {
    socket.on('error', () => {})
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Every byte behind the head of the answer, once the server has ended the connection. */
function converse(port: number, { pieces, isDeflated = false, isChopped = false }: Case): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  const lines = ['GET / HTTP/1.1', 'Host: h', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
  lines.push('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')
  if (isDeflated) lines.push('Sec-WebSocket-Extensions: permessage-deflate')
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  let received = Buffer.alloc(0)
  let isOpen = false
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      const end = received.indexOf('\r\n\r\n')
      if (isOpen || end === -1) return
      isOpen = true
      if (!received.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101'))) reject(new Error(received.toString('latin1')))
      received = received.subarray(end + 4)
      void send()
    })
    socket.on('error', () => {}) // a server that ends the connection before it has read everything
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(received.toString('hex')))
  })

  async function send(): Promise<void> {
    for (const piece of pieces) {
      if (!isChopped) socket.write(piece)
      else {
        for (const byte of piece) {
          socket.write(Buffer.from([byte]))
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
    }
    if (pieces.every((piece) => (piece[0] ?? 0) % 16 !== Op.close)) socket.end()
  }
}

test.each(cases)('WebSocket: $name', async (one) => {
  const port = await startEcho()
  const gateway = await startGateway({ v1: [{ id: 'ws', host: '127.0.0.1', port }] })
  const [direct, through] = await Promise.all([converse(port, one), converse(gateway.port, one)])
  expect(through).toBe(direct)
})
