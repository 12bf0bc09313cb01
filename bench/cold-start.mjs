// Cold start: from a request for a version that does not run until the first byte of its answer, against a bare
// `node worker.js` until it listens. Both take turns, round by round; what counts is the ratio of medians.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { environment, withGateway, workerFile } from './gateway.mjs'
import { machineFacts, median, readOptions, table } from './options.mjs'

const { rounds } = readOptions({ rounds: 20 }, { rounds: 3 })
const barePort = 0 // any free one: the bare worker only has to listen

await withGateway(async (gateway) => {
  console.log(`cold start · ${machineFacts()}`)
  console.log(`${rounds} rounds\n`)
  const bare = []
  const cold = []
  await bareStart() // warm the file cache
  await coldRequest(gateway)
  for (let round = 0; round < rounds; round += 1) {
    bare.push(await bareStart())
    cold.push(await coldRequest(gateway))
  }
  const row = (name, times) => [
    name,
    median(times).toFixed(1),
    Math.min(...times).toFixed(1),
    Math.max(...times).toFixed(1),
  ]
  console.log(
    table([
      ['', 'median ms', 'least', 'most'],
      row('node worker.js until it listens', bare),
      row('first byte through the gateway', cold),
    ]),
  )
  console.log(`ratio of medians: ${(median(cold) / median(bare)).toFixed(3)}\n`)
})

async function bareStart() {
  const started = performance.now()
  const child = spawn(process.execPath, [workerFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...environment(), PROXY_PORT: String(barePort) },
  })
  await once(child.stdout, 'data')
  const time = performance.now() - started
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  return time
}

async function coldRequest(gateway) {
  const started = performance.now()
  const req = http.get({ host: '127.0.0.1', port: gateway.port, agent: false, headers: { 'x-version': 'v2' } })
  const [res] = await once(req, 'response')
  const time = performance.now() - started
  const { statusCode } = res.resume()
  await once(res, 'end')
  if (statusCode !== 200) throw new Error(`a cold version answered ${statusCode}`)
  await gateway.command('proxy', 'version', 'v2', '0')
  return time
}
