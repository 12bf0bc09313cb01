// Server-sent events, as fast as they come, on some connections.
import { once } from 'node:events'
import net from 'node:net'
import { requestBytes } from '../answer-reader.mjs'

const settleMs = 300
const eventEnd = Buffer.from('\n\n')

const task = JSON.parse(process.argv[2])
const request = requestBytes({ ...task, headers: { ...task.headers, accept: 'text/event-stream' } })
let events = 0

for (let index = 0; index < task.connections; index += 1) {
  const socket = net.connect(task.port, '127.0.0.1')
  socket.write(request)
  const [head] = await once(socket, 'data')
  if (!head.latin1Slice(0, 12).endsWith(' 200')) throw new Error(`not 200: ${head.latin1Slice(0, 60)}`)
  socket.on('data', count)
  socket.on('close', () => {
    throw new Error('the connection was closed')
  })
}
setTimeout(() => {
  const [before, started] = [events, performance.now()]
  setTimeout(() => {
    const result = { requests: events - before, seconds: (performance.now() - started) / 1_000, failures: 0 }
    process.send({ result }, () => process.exit(0))
  }, task.seconds * 1_000)
}, settleMs)

/** One that is cut between its two line ends is overlooked: few, and for everybody alike. */
function count(chunk) {
  for (let at = chunk.indexOf(eventEnd); at !== -1; at = chunk.indexOf(eventEnd, at + eventEnd.length)) events += 1
}
