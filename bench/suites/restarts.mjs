// `restart all` and `upgrade all`, one after the other, of a plain service under keep-alive load: how long each takes, and
// how many requests are lost, which must be none. Two kinds of clients: those that think between requests, whose connections
// are idle now and then, and autocannon, which never pauses.
import autocannon from 'autocannon'
import { startClients } from '../clients.mjs'
import { workerFile } from '../gateway.mjs'
import { withService } from '../service.mjs'
import { median } from '../statistics.mjs'

const workers = 2
const thinkMs = 5
const commands = { 'restart all': 'restart all', 'upgrade all': `upgrade all ${workerFile}` }

export const restartsSuite = {
  name: 'restarts',
  defaults: { restarts: 5, connections: 50 },
  smoke: { restarts: 1, connections: 20 },
  async run(options) {
    const results = []
    for (const [name, line] of Object.entries(commands)) {
      for (const load of [underClients, underAutocannon]) {
        results.push(await withService(workers, (service) => load(service, name, line, options)))
      }
    }
    const reasons = results.flatMap(({ failures }) => failures)
    if (reasons.length > 0) throw new Error(`requests were lost: ${[...new Set(reasons)].join(' · ')}`)
    const title = `${options.restarts} restarts of ${workers} workers each, ${options.connections} connections`
    const head = ['', 'requests', 'failed', 'seconds each', 'most', 'requests/s']
    return [{ key: 'restarts', title, rows: [head, ...results.map(toCells)] }]
  },
}

async function underClients({ port, command }, name, line, options) {
  const clients = startClients({ port, connections: options.connections, thinkMs })
  try {
    await clients.more(options.connections)
    const times = await repeat(command, line, options.restarts)
    await clients.more(options.connections)
    return { name: `${name}, clients that think`, times, ...clients.counts }
  } finally {
    await clients.stop()
  }
}

async function underAutocannon({ port, command }, name, line, options) {
  // As long as it takes: it is stopped when the last restart is done.
  const load = autocannon({ url: `http://127.0.0.1:${port}`, connections: options.connections, duration: 3_600 })
  try {
    await new Promise((resolve) => load.once('response', resolve))
    const times = await repeat(command, line, options.restarts)
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
async function repeat(command, line, restarts) {
  const times = []
  for (let turn = 0; turn < restarts; turn += 1) {
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
