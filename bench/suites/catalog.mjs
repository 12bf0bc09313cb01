import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { addNearFreeWorker } from '../backends/near-free.mjs'
import { compare } from '../compare.mjs'
import { withGateway } from '../gateway.mjs'
import { runLoad } from '../load/run-load.mjs'
import { corePlan, moveToCore } from '../machine.mjs'
import { shapes } from '../shapes.mjs'
import { contenderRows, figure } from '../table.mjs'

/** What a request costs when there are many versions, asked for by name or not. One of them runs, as nobody asks for the others. */
export const catalogSuite = {
  name: 'catalog',
  defaults: { rounds: 5, seconds: 1 },
  smoke: { rounds: 1, seconds: 1 },
  run: (options) => withCatalogs(options.isSmoke ? [1, 100] : [1, 100, 1_000], [], (all) => measureAll(all, options)),
}

/** Gateways that run at once, one for each size, so that they can take turns. */
async function withCatalogs([size, ...sizes], gateways, use) {
  if (size === undefined) return use(gateways)
  const versions = Array.from({ length: size }, (_, index) => `v${index + 1}`)
  return withGateway(
    (gateway) => withCatalogs(sizes, [...gateways, { gateway, size }], use),
    { warmSpares: 0, workerFilename: 'worker' },
    { core: corePlan().backend, versions, addWorker },
  )
}

function addWorker(folder) {
  if (basename(folder) === 'v1') addNearFreeWorker(folder)
  else writeFileSync(join(folder, 'worker'), '', { mode: 0o755 })
}

async function measureAll(gateways, { rounds, seconds, isSmoke }) {
  const cores = corePlan()
  const contenders = []
  for (const { gateway, size } of gateways) {
    const { proxyWorkers } = await gateway.command('proxy', 'info')
    const pids = proxyWorkers.map(({ pid }) => pid)
    for (const pid of pids) moveToCore(cores.proxy, pid)
    for (const [way, headers] of Object.entries({ live: {}, named: { 'x-version': 'v1' } })) {
      contenders.push({
        id: `${way}-${size}`,
        name: `${size} versions, ${way}`,
        port: gateway.port,
        headers,
        pids: () => pids,
      })
    }
  }
  const shape = shapes['1 KiB, 50 connections']
  const measure = (contender) => runLoad({ ...contender, tls: false, core: cores.load }, shape, seconds)
  const samples = await compare({ contenders, rounds, measure, isSmoke })
  const rows = contenderRows(samples, ({ id }) => {
    const base = `${id.split('-')[0]}-1`
    const ofBoth = (metric, digits) => [
      figure(samples.value(id, metric), digits),
      figure(samples.ratio(id, base, metric), 3),
    ]
    return [...ofBoth('rate', 0), ...ofBoth('cpu', 1)]
  })
  const head = ['', 'requests/s', '× 1 version', 'CPU µs', '× 1 version']
  return [{ key: 'catalog', title: 'Versions in the catalog', rows: [head, ...rows], samples }]
}
