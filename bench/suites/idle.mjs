import { setTimeout as delay } from 'node:timers/promises'
import { compare, Samples } from '../compare.mjs'
import { runClient } from '../load/run-client.mjs'
import { runLoad } from '../load/run-load.mjs'
import { memoryKiB } from '../processes.mjs'
import { shapes } from '../shapes.mjs'
import { withStage } from '../stage.mjs'
import { contenderRows, figure } from '../table.mjs'

const contenderIds = ['fast', 'general', 'nginx', 'haproxy', 'caddy', 'http-proxy-keep-alive']
const settleMs = 1_000

/**
 * What a keep-alive connection costs that has had one request and waits for the next. Each contender is alone in a process
 * that has been used a little, as memory that is given back later would be charged to whoever comes next.
 */
export const idleSuite = {
  name: 'idle',
  defaults: { connections: 10_000 },
  smoke: { connections: 200, only: ['fast'] },
  async run({ connections, only = null }) {
    const counts = [...new Set([Math.ceil(connections / 10), connections])]
    const found = []
    const samples = new Samples(found)
    for (const wanted of only ?? contenderIds) {
      await withStage({ backend: 'near-free', wanted: [wanted] }, async ({ contenders, cores, tls }) => {
        for (const contender of contenders) {
          found.push(contender)
          const measure = (one) => memoryOf(one, counts, cores.load)
          const warmUp = (one) => runLoad({ ...one, tls, core: cores.load }, shapes['1 KiB, 50 connections'], 1)
          const measured = await compare({ contenders: [contender], rounds: 1, measure, warmUp })
          const failure = measured.failureOf(contender.id)
          if (failure === null) samples.add(contender, measured.last(contender))
          else samples.fail(contender, failure)
        }
      })
    }
    const head = ['', ...counts.map((count) => `KiB each at ${count}`), `MiB in all at ${connections}`]
    const rows = contenderRows(samples, ({ id }) => [
      ...counts.map((count) => figure(samples.value(id, `each at ${count}`), 1)),
      figure(samples.value(id, `all at ${connections}`) / 1_024, 1),
    ])
    return [
      { key: 'idle', title: 'Idle keep-alive connections: memory of the proxy (PSS)', rows: [head, ...rows], samples },
    ]
  },
}

async function memoryOf({ port, headers, pids }, counts, core) {
  await delay(settleMs)
  const before = memoryKiB(pids())
  const sample = {}
  const task = { core, port, headers, path: '/64', counts }
  await runClient('idle.mjs', task, async ({ count }) => {
    await delay(settleMs)
    const total = memoryKiB(pids())
    sample[`each at ${count}`] = (total - before) / count
    sample[`all at ${count}`] = total
  })
  return sample
}
