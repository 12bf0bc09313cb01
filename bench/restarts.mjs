// `restart all` and `upgrade all`, one after the other, of a plain service under keep-alive load: how long each takes, and
// how many requests are lost, which must be none. Two kinds of clients: those that think between requests, whose connections
// are idle now and then, and autocannon, which never pauses.
import autocannon from 'autocannon'
import { startClients } from './clients.mjs'
import { workerFile } from './gateway.mjs'
import { machineFacts, median, readOptions, table } from './options.mjs'
import { withService } from './service.mjs'

const workers = 2
const thinkMs = 5
const options = readOptions({ restarts: 50, connections: 50 }, { restarts: 2, connections: 50 })
const commands = { 'restart all': 'restart all', 'upgrade all': `upgrade all ${workerFile}` }

console.log(`restarts · ${machineFacts()}`)
console.log(`${options.restarts} of each, ${options.connections} connections, ${workers} workers\n`)
const rows = []
for (const [name, line] of Object.entries(commands)) {
  rows.push(await withService(workers, (service) => underClients(service, name, line)))
  rows.push(await withService(workers, (service) => underAutocannon(service, name, line)))
}
const head = ['', 'requests', 'failed', 'seconds each', 'most', 'requests/s']
console.log(`${table([head, ...rows.map(toCells)])}\n`)
const reasons = rows.flatMap((row) => row.failures)
if (reasons.length > 0) {
  console.log(`failed: ${[...new Set(reasons)].join(' · ')}\n`)
  process.exitCode = 1
}

async function underClients({ port, command }, name, line) {
  const clients = startClients({ port, connections: options.connections, thinkMs })
  try {
    await clients.more(options.connections)
    const times = await repeat(command, line)
    await clients.more(options.connections)
    return { name: `${name}, clients that think`, times, ...clients.counts }
  } finally {
    await clients.stop()
  }
}

async function underAutocannon({ port, command }, name, line) {
  // As long as it takes: it is stopped when the last restart is done.
  const load = autocannon({ url: `http://127.0.0.1:${port}`, connections: options.connections, duration: 3_600 })
  try {
    await new Promise((resolve) => load.once('response', resolve))
    const times = await repeat(command, line)
    load.stop()
    const { requests, errors, timeouts, non2xx } = await load
    const failures = Array.from(
      { length: errors + timeouts + non2xx },
      () => `autocannon: ${errors} errors, ${timeouts} timeouts, ${non2xx} not 2xx`,
    )
    return { name: `${name}, autocannon`, times, requests: requests.total, failures }
  } finally {
    load.stop()
  }
}

/** Runs the command so many times. @returns the seconds of each */
async function repeat(command, line) {
  const times = []
  for (let turn = 0; turn < options.restarts; turn += 1) {
    const started = performance.now()
    await command(line)
    times.push((performance.now() - started) / 1_000)
  }
  return times
}

function toCells({ name, times, requests, failures }) {
  const total = times.reduce((sum, time) => sum + time, 0)
  return [
    name,
    String(requests),
    String(failures.length),
    median(times).toFixed(2),
    Math.max(...times).toFixed(2),
    (requests / total).toFixed(0),
  ]
}
