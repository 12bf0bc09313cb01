// Cold start: from a request for a version that does not run until the first byte of its answer, with a warm spare in
// reserve and without one, against a bare `node worker.js` until it listens. All take turns, round by round; what counts is the
// ratio of medians.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { environment, withGateway, workerFile } from './gateway.mjs'
import { machineFacts, median, readOptions, table } from './options.mjs'

const { rounds } = readOptions({ rounds: 20 }, { rounds: 3 })
const barePort = 0 // any free one: the bare worker only has to listen

await withGateway((spawning) => withGateway((warm) => measure(spawning, warm), { warmSpares: 1 }), { warmSpares: 0 })

async function measure(spawning, warm) {
  console.log(`cold start · ${machineFacts()}`)
  console.log(`${rounds} rounds\n`)
  const bare = []
  const cold = []
  const spared = []
  await bareStart() // warm the file cache
  await coldRequest(spawning)
  await coldRequest(warm)
  for (let round = 0; round < rounds; round += 1) {
    bare.push(await bareStart())
    cold.push(await coldRequest(spawning))
    await untilSpareIsReady(warm)
    spared.push(await coldRequest(warm))
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
      row('first byte, no warm spare', cold),
      row('first byte, with a warm spare', spared),
    ]),
  )
  const ratio = (times) => (median(times) / median(bare)).toFixed(3)
  console.log(`ratio of medians: ${ratio(cold)} without a warm spare, ${ratio(spared)} with one\n`)
}

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

async function untilSpareIsReady(gateway) {
  for (;;) {
    const { spares } = await gateway.command('proxy', 'info')
    if (spares.ready >= spares.wanted) return
    await delay(50)
  }
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
