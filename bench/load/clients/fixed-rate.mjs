// So many requests a second, whatever becomes of the answers (an open loop), over connections that are kept.
//
// Requests are due at even distances. The client wakes once a millisecond and sends what has become due; one that finds no free
// connection waits for one, and that is part of its latency, which counts from when it was due: a proxy that stalls is charged for
// every request that would have been sent meanwhile. Only what no timer here can do better, the last millisecond of a late
// wake-up, is not charged to anybody.
import { once } from 'node:events'
import net from 'node:net'
import { percentile } from '../../statistics.mjs'
import { AnswerReader, requestBytes } from '../answer-reader.mjs'

const granularityMs = 1
const warmUpMs = 500
const settleMs = 5_000

const task = JSON.parse(process.argv[2])
const request = requestBytes(task)
const free = []
const waiting = []
const latencies = []
let answered = 0
let failure = null

for (let index = 0; index < task.connections; index += 1) await connect()
const started = performance.now()
const total = Math.round((task.rate * (task.seconds * 1_000 + warmUpMs)) / 1_000)
let sent = 0
const end = started + task.seconds * 1_000 + warmUpMs + settleMs
tick()

async function connect() {
  const socket = net.connect(task.port, '127.0.0.1')
  socket.setNoDelay(true)
  await once(socket, 'connect')
  const connection = { socket, reader: new AnswerReader(), from: 0 }
  socket.on('data', (chunk) => onData(connection, chunk))
  socket.on('error', (error) => fail(error))
  socket.on('close', () => fail(new Error('the connection was closed')))
  free.push(connection)
}

function tick() {
  const now = performance.now()
  for (; sent < total; sent += 1) {
    const due = started + (sent * 1_000) / task.rate
    if (due > now) break
    waiting.push(Math.min(now, due + granularityMs))
  }
  while (waiting.length > 0 && free.length > 0) ask(free.pop())
  if (answered === total) finish()
  else if (failure !== null || now > end) finish()
  else setTimeout(tick, granularityMs)
}

function ask(connection) {
  connection.from = waiting.shift()
  connection.socket.write(request)
}

function onData(connection, chunk) {
  try {
    if (!connection.reader.read(chunk)) return
  } catch (error) {
    fail(error)
    return
  }
  answered += 1
  if (connection.from - started >= warmUpMs) latencies.push(performance.now() - connection.from)
  if (waiting.length > 0) ask(connection)
  else free.push(connection)
}

function fail(error) {
  failure ??= error
}

function finish() {
  const missing = total - answered
  if (failure !== null) throw failure
  const seconds = (performance.now() - started) / 1_000
  const result = {
    requests: answered,
    seconds,
    failures: missing,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
  }
  process.send({ result }, () => process.exit(0))
}
