// The Node worker of the benchmarks: an answer of each size, uploads, events, messages, and requests that are given up.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'

const bodies = new Map([64, 1_024, 102_400].map((size) => [`/${size}`, Buffer.alloc(size, 'x')]))
const event = Buffer.from(`40\r\ndata: ${'x'.repeat(56)}\n\n\r\n`) // a chunk of 64 bytes
const lastChunk = '0\r\n\r\n'
const messageBytes = 64
const handshakeKey = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11' // RFC 6455, 4.2.2

/** When each request for /given-up was given up, by its query, in nanoseconds of the monotonic clock; or who waits for that. */
const givenUp = new Map()
const listeners = new Set()

const server = http.createServer((req, res) => {
  const [path, query = ''] = req.url.split('?')
  const body = bodies.get(path)
  if (body !== undefined) answer(res, body)
  else if (path === '/upload') req.on('end', () => answer(res, bodies.get('/64'))).resume()
  else if (path === '/events') sendEvents(res)
  else if (path === '/end-events') endEvents(res)
  else if (path === '/given-up') res.once('close', () => settle(query, String(process.hrtime.bigint())))
  else if (path === '/when-given-up') whenGivenUp(query).then((time) => answer(res, Buffer.from(time)))
  else res.writeHead(404).end()
})
server.on('upgrade', echo)
// Longer than the turn of any other peer: nobody is to find its connection closed.
server.keepAliveTimeout = 600_000
server.listen(Number(process.env.PROXY_PORT), '127.0.0.1')

function answer(res, body) {
  res.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length })
  res.end(body)
}

/**
 * As a broadcast does: one event to everybody who can take one, again and again. The chunks go to the socket as they are: it is the
 * proxy that is to be the narrow place.
 */
function sendEvents(res) {
  const head = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', connection: 'close' }
  res.writeHead(200, head).flushHeaders()
  const { socket } = res
  socket.setNoDelay(true)
  res.once('close', () => listeners.delete(socket))
  listeners.add(socket)
  if (listeners.size === 1) setImmediate(broadcast)
}

/** It is asked to, directly: not every proxy says when its client has gone, and what is left would disturb the next one. */
function endEvents(res) {
  for (const socket of listeners) socket.end(lastChunk)
  listeners.clear()
  answer(res, bodies.get('/64'))
}

function broadcast() {
  for (const socket of listeners) {
    if (!socket.writableNeedDrain) socket.write(event)
  }
  if (listeners.size > 0) setImmediate(broadcast)
}

function settle(query, time) {
  const waiting = givenUp.get(query)
  if (typeof waiting === 'function') waiting(time)
  else givenUp.set(query, time)
}

async function whenGivenUp(query) {
  const known = givenUp.get(query)
  if (known !== undefined) return known
  return new Promise((resolve) => givenUp.set(query, resolve))
}

/**
 * Answers each message with the same one. The client masks with zeros (bench/load/messages.mjs), so that a message is its own
 * payload, and all have one length: this is about carrying them, not about WebSocket.
 */
async function echo(req, socket) {
  const accept = createHash('sha1').update(`${req.headers['sec-websocket-key']}${handshakeKey}`).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  const message = Buffer.concat([Buffer.from([0x82, messageBytes]), Buffer.alloc(messageBytes, 'x')])
  const maskedBytes = message.length + 4
  let received = 0
  socket.setNoDelay(true)
  socket.on('data', (chunk) => {
    received += chunk.length
    for (; received >= maskedBytes; received -= maskedBytes) socket.write(message)
  })
  socket.on('error', () => {})
  await once(socket, 'end').catch(() => {})
  socket.destroy()
}
