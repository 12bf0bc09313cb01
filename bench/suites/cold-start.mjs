// Cold start: from a request for a version that does not run until the first byte of its answer, with a warm spare in
// reserve and without one, against a bare `node worker.js` until it listens. All take turns, round by round.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { compare } from '../compare.mjs'
import { withGateway, workerFile } from '../gateway.mjs'
import { environment } from '../processes.mjs'
import { contenderRows, figure } from '../table.mjs'

const barePort = 0 // any free one: the bare worker only has to listen

export const coldStartSuite = {
  name: 'cold-start',
  defaults: { rounds: 20 },
  smoke: { rounds: 3 },
  run: ({ rounds }) =>
    withGateway((spawning) => withGateway((warm) => measure({ spawning, warm, rounds }), { warmSpares: 1 }), {
      warmSpares: 0,
    }),
}

async function measure({ spawning, warm, rounds }) {
  const pids = () => []
  const contenders = [
    { id: 'bare', name: 'node worker.js until it listens', pids, start: bareStart },
    { id: 'spawned', name: 'first byte, no warm spare', pids, start: () => coldRequest(spawning) },
    { id: 'spared', name: 'first byte, with a warm spare', pids, start: () => coldRequest(warm) },
  ]
  const samples = await compare({
    contenders,
    rounds,
    measure: async ({ id, start }) => {
      if (id === 'spared') await untilSpareIsReady(warm)
      return { milliseconds: await start() }
    },
  })
  const rows = contenderRows(samples, ({ id }) => [
    figure(samples.value(id, 'milliseconds'), 1),
    figure(samples.ratio(id, 'bare', 'milliseconds'), 3),
  ])
  return [
    { key: 'cold-start', title: 'A cold version', rows: [['', 'median ms', '× node worker.js'], ...rows], samples },
  ]
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
