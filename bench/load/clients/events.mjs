// Server-sent events, as fast as they come, on some connections, until the worker ends them.
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { requestBytes } from '../answer-reader.mjs'

const settleMs = 300
const eventEnd = Buffer.from('\n\n')
const lastChunk = Buffer.from('0\r\n\r\n')

const task = JSON.parse(process.argv[2])
const headers = { ...task.headers, accept: 'text/event-stream' }
const request = requestBytes({ ...task, headers })
let events = 0
let isMeasured = false

const streams = await Promise.all(Array.from({ length: task.connections }, open))
const ended = Promise.all(streams.map((socket) => once(socket, 'close')))
setTimeout(() => {
  const [before, started] = [events, performance.now()]
  setTimeout(async () => {
    const result = { requests: events - before, seconds: (performance.now() - started) / 1_000, failures: 0 }
    isMeasured = true
    http.get({ host: '127.0.0.1', port: task.workerPort, path: '/end-events' })
    await ended
    process.send({ result }, () => process.exit(0))
  }, task.seconds * 1_000)
}, settleMs)

async function open() {
  const socket = net.connect(task.port, '127.0.0.1')
  socket.write(request)
  const [head] = await once(socket, 'data')
  if (!head.latin1Slice(0, 12).endsWith(' 200')) throw new Error(`not 200: ${head.latin1Slice(0, 60)}`)
  socket.on('close', () => {
    if (!isMeasured) throw new Error('a stream ended too early')
  })
  // Some keep the connection of a client when a worker closes its own: the last chunk is the end.
  socket.on('data', (chunk) => {
    count(chunk)
    if (chunk.subarray(-5).equals(lastChunk)) socket.destroy()
  })
  return socket
}

/** One that is cut between its two line ends is overlooked: few, and for everybody alike. */
function count(chunk) {
  for (let at = chunk.indexOf(eventEnd); at !== -1; at = chunk.indexOf(eventEnd, at + eventEnd.length)) events += 1
}
