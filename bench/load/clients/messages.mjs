// WebSocket messages of 64 bytes, each sent when the one before has come back, on some connections. The mask is zero, which
// RFC 6455 allows, if nobody else should: see bench/backends/worker.js.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { requestBytes } from '../answer-reader.mjs'

const settleMs = 300
const messageBytes = 64
const maskedMessage = Buffer.concat([
  Buffer.from([0x82, 0x80 | messageBytes, 0, 0, 0, 0]),
  Buffer.alloc(messageBytes, 'x'),
])
const echoedBytes = 2 + messageBytes

const task = JSON.parse(process.argv[2])
let messages = 0

for (let index = 0; index < task.connections; index += 1) await connect()
setTimeout(() => {
  const [before, started] = [messages, performance.now()]
  setTimeout(() => {
    const result = { requests: messages - before, seconds: (performance.now() - started) / 1_000, failures: 0 }
    process.send({ result }, () => process.exit(0))
  }, task.seconds * 1_000)
}, settleMs)

async function connect() {
  const handshake = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
  }
  const socket = net.connect(task.port, '127.0.0.1')
  socket.setNoDelay(true)
  socket.write(requestBytes({ ...task, headers: { ...task.headers, ...handshake } }))
  const [head] = await once(socket, 'data')
  if (!head.latin1Slice(0, 12).endsWith(' 101')) throw new Error(`not 101: ${head.latin1Slice(0, 60)}`)
  let received = 0
  socket.on('data', (chunk) => {
    received += chunk.length
    for (; received >= echoedBytes; received -= echoedBytes) {
      messages += 1
      socket.write(maskedMessage)
    }
  })
  socket.on('close', () => {
    throw new Error('the connection was closed')
  })
  socket.write(maskedMessage)
}
