// Requests that are given up before they are answered: how long until the worker sees it. It tells the time of its own clock,
// which is the same on one machine.
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { requestBytes } from '../answer-reader.mjs'

const arrivalMs = 30
const deadline = 3_000

const task = JSON.parse(process.argv[2])
const latencies = []
for (let turn = 0; turn < task.times; turn += 1) {
  const latency = await giveUp(`${process.pid}-${turn}`)
  latencies.push(latency)
  if (latency >= deadline) break // nor will it see the others
}
process.send({ result: { latencies } }, () => process.exit(0))

async function giveUp(name) {
  const socket = net.connect(task.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(requestBytes({ ...task, path: `/given-up?${name}` }))
  await delay(arrivalMs)
  const time = process.hrtime.bigint()
  socket.destroy()
  const seen = await whenSeen(name)
  return seen === null ? deadline : Number(seen - time) / 1e6
}

/** Null: not in time. */
function whenSeen(name) {
  return new Promise((resolve, reject) => {
    const req = http.get({
      host: '127.0.0.1',
      port: task.workerPort,
      path: `/when-given-up?${name}`,
      timeout: deadline,
    })
    req.on('timeout', () => resolve(null))
    req.on('error', reject)
    req.on('response', async (res) => {
      let text = ''
      for await (const chunk of res.setEncoding('utf8')) text += chunk
      resolve(BigInt(text))
    })
  })
}
