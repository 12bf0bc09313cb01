// Requests a second and CPU time a request: to a worker directly, and to the same worker through the gateway. The ways
// take turns, round by round, so that a noisy machine disturbs all of them alike; what counts are the ratios of medians.
import autocannon from 'autocannon'
import { cpuTicks, withGateway } from './gateway.mjs'
import { machineFacts, median, readOptions, table, ticksPerSecond } from './options.mjs'

const options = readOptions({ rounds: 5, seconds: 5, connections: 50 }, { rounds: 1, seconds: 1, connections: 10 })

await withGateway(async (gateway) => {
  const info = await gateway.command('proxy', 'info')
  const { pid, port: workerPort } = info.versionWorkers.find(({ version }) => version === 'v1')
  const worker = [pid]
  const proxies = info.proxyWorkers.map((proxy) => proxy.pid)
  const ways = [
    { name: 'direct', url: `http://127.0.0.1:${workerPort}`, headers: {}, measured: worker },
    { name: 'live version', url: `http://127.0.0.1:${gateway.port}`, headers: {}, measured: proxies },
    {
      name: 'x-version: v1',
      url: `http://127.0.0.1:${gateway.port}`,
      headers: { 'x-version': 'v1' },
      measured: proxies,
    },
  ]
  console.log(`throughput · ${machineFacts()}`)
  console.log(
    `${options.rounds} rounds of ${options.seconds} s, ${options.connections} connections, one proxy process, one worker\n`,
  )
  const results = new Map(ways.map(({ name }) => [name, []]))
  for (const way of ways) await measure(way, Math.min(1, options.seconds)) // warm up
  for (let round = 0; round < options.rounds; round += 1) {
    for (const way of ways) results.get(way.name).push(await measure(way, options.seconds))
  }
  console.log(report(ways, results))
})

async function measure({ url, headers, measured }, duration) {
  const before = ticksOf(measured)
  const result = await autocannon({ url, headers, connections: options.connections, duration })
  const ticks = ticksOf(measured) - before
  const requests = result.requests.total
  if (requests === 0) throw new Error(`${url}: no request was answered`)
  return {
    requestsPerSecond: requests / result.duration,
    cpuMicroseconds: (ticks / ticksPerSecond()) * (1e6 / requests),
    latency: result.latency.p99,
    failures: result.errors + result.timeouts + result.non2xx,
  }
}

function report(ways, results) {
  const of = (name, key) => median(results.get(name).map((result) => result[key]))
  const [direct] = ways
  const rows = ways.map(({ name }) => {
    const speed = of(name, 'requestsPerSecond')
    const cpu = of(name, 'cpuMicroseconds')
    const failures = results.get(name).reduce((sum, result) => sum + result.failures, 0)
    return [
      name,
      speed.toFixed(0),
      (speed / of(direct.name, 'requestsPerSecond')).toFixed(3),
      cpu.toFixed(1),
      (cpu / of(direct.name, 'cpuMicroseconds')).toFixed(2),
      String(of(name, 'latency')),
      String(failures),
    ]
  })
  const head = ['', 'requests/s', 'ratio', 'CPU µs/request', 'ratio', 'p99 ms', 'failed']
  const note = 'CPU: of the worker when direct, of the proxy process otherwise. Ratios are to direct.\n'
  return `${table([head, ...rows])}\n${note}`
}

function ticksOf(pids) {
  return pids.reduce((sum, pid) => sum + cpuTicks(pid), 0)
}
