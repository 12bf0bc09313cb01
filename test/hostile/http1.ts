import { attackers, drip, head } from './attackers.ts'
import type { Scenario } from './scenario.ts'

/** The three modes of slowhttptest, and what else a client of HTTP/1.1 can overdo. */
export const http1: readonly Scenario[] = [
  {
    name: 'slow heads, byte by byte',
    binding: 'plain',
    refused: ['REQUEST_TIMEOUT'],
    logged: ['REQUEST_TIMEOUT'],
    attack: ({ ports }, form) =>
      attackers(form === 'long' ? 4_000 : 150, form === 'long' ? 2_000 : 150, () => ({
        port: ports.plain,
        act: (socket) => {
          socket.write('GET / HTTP/1.1\r\nHost: a\r\nX: ')
          drip(socket, () => 'x', 200)
        },
      })),
  },
  {
    name: 'slow bodies, that stop in the middle',
    binding: 'plain',
    refused: ['BODY_TIMEOUT'],
    attack: ({ ports }, form) =>
      attackers(form === 'long' ? 2_000 : 60, form === 'long' ? 500 : 60, () => ({
        port: ports.plain,
        act: (socket) => {
          socket.write('POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\nabc')
        },
      })),
  },
  {
    name: 'slow reads: a large answer of which nothing is taken',
    binding: 'plain',
    refused: ['CLIENT_STALLED'],
    attack: ({ ports }, form) =>
      attackers(form === 'long' ? 200 : 8, form === 'long' ? 100 : 8, () => ({
        port: ports.plain,
        act: (socket) => {
          socket.pause()
          socket.write(head('/download?bytes=30000000'))
          // Only who reads sees the end of a connection.
          setTimeout(() => socket.resume(), 4_000)
        },
      })),
  },
  {
    name: 'heads with thousands of fields',
    binding: 'plain',
    refused: ['HEADERS_TOO_LARGE'],
    attack: ({ ports }, form) => {
      const fields = Array.from({ length: 4_000 }, (_, index) => `X-${index}: ${index}`)
      return attackers(form === 'long' ? 5_000 : 100, 50, () => ({
        port: ports.plain,
        act: (socket) => void socket.write(head('/', ...fields)),
      }))
    },
  },
  {
    name: 'giant heads: one field, one target of a megabyte',
    binding: 'plain',
    refused: ['HEADERS_TOO_LARGE', 'TARGET_TOO_LONG'],
    attack: ({ ports }, form) => {
      const much = 'x'.repeat(1_000_000)
      return attackers(form === 'long' ? 1_000 : 20, 20, (index) => ({
        port: ports.plain,
        act: (socket) => void socket.write(index % 2 === 0 ? head('/', `X: ${much}`) : head(`/${much}`)),
      }))
    },
  },
  {
    name: 'bodies of chunks without an end',
    binding: 'plain',
    refused: ['REQUEST_TOO_LARGE'],
    attack: ({ ports }, form) => {
      const chunks = `1000\r\n${'x'.repeat(4_096)}\r\n`.repeat(4)
      return attackers(form === 'long' ? 200 : 10, 10, () => ({
        port: ports.plain,
        act: (socket) => {
          socket.write('POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
          drip(socket, () => chunks, 1)
        },
      }))
    },
  },
  {
    name: 'bytes that are no HTTP',
    binding: 'plain',
    refused: ['BAD_REQUEST'],
    logged: ['BAD_REQUEST'],
    attack: ({ ports, random }, form) =>
      attackers(form === 'long' ? 20_000 : 200, 50, () => ({
        port: ports.plain,
        act: (socket) => void socket.end(Buffer.from(Array.from({ length: 200 }, () => Math.floor(random() * 256)))),
      })),
  },
  {
    name: 'half-closed sockets, that ask and say at once that they are done',
    binding: 'plain',
    refused: [],
    attack: ({ ports }, form) =>
      attackers(form === 'long' ? 20_000 : 300, 50, () => ({
        port: ports.plain,
        act: (socket) => void socket.end(head('/get/half')),
      })),
  },
]
