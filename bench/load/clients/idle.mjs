// Connections that are kept open without a request, each after its first one. Says when there are so many, for each of
// `counts`, and goes on when it is answered.
import { once } from 'node:events'
import net from 'node:net'
import { AnswerReader, requestBytes } from '../answer-reader.mjs'

const atOnce = 50

const task = JSON.parse(process.argv[2])
const request = requestBytes(task)
const sockets = []
let begun = 0

for (const count of task.counts) {
  await Promise.all(Array.from({ length: atOnce }, () => openUntil(count)))
  process.send({ count })
  await once(process, 'message')
  const closed = sockets.filter((socket) => socket.destroyed).length
  if (closed > 0) throw new Error(`${closed} of ${count} idle connections were closed`)
}
process.send({ result: {} }, () => process.exit(0))

async function openUntil(count) {
  while (begun < count) {
    begun += 1
    sockets.push(await open())
  }
}

async function open() {
  // No local address: a port that was bound is nobody else's for a minute after its end, whichever address it was bound with, and
  // three contenders later there would be none left for anybody.
  const socket = net.connect({ port: task.port, host: '127.0.0.1' })
  const reader = new AnswerReader()
  socket.write(request)
  for (;;) {
    const [chunk] = await once(socket, 'data')
    if (reader.read(chunk)) break
  }
  socket.on('end', () => socket.destroy())
  socket.on('error', () => {})
  return socket.resume()
}
