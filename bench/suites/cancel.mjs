import { compare } from '../compare.mjs'
import { runClient } from '../load/run-client.mjs'
import { withStage } from '../stage.mjs'
import { median } from '../statistics.mjs'
import { contenderRows, figure } from '../table.mjs'

const contenderIds = ['direct', 'fast', 'general', 'nginx', 'haproxy', 'caddy', 'http-proxy-keep-alive']

/** A client goes before it has been answered: how long until its worker sees that. */
export const cancelSuite = {
  name: 'cancel',
  defaults: { times: 20 },
  smoke: { times: 3, only: ['direct', 'fast', 'general'] },
  async run({ times, only = null }) {
    return withStage({ backend: 'node', wanted: only ?? contenderIds }, async ({ contenders, cores, backendPort }) => {
      const measure = async ({ port, headers }) => {
        const task = { core: cores.load, port, workerPort: backendPort, headers, times }
        const { latencies } = await runClient('cancel.mjs', task)
        return { median: median(latencies), most: Math.max(...latencies) }
      }
      const samples = await compare({ contenders, rounds: 1, measure, warmUp: null })
      const rows = contenderRows(samples, ({ id }) => ['median', 'most'].map((of) => shown(samples.value(id, of))))
      const title = 'Client gone until the worker sees it'
      return [{ key: 'cancel', title, rows: [['', 'median ms', 'most ms'], ...rows], samples }]
    })
  },
}

function shown(milliseconds) {
  return milliseconds >= 3_000 ? 'not in 3 s' : figure(milliseconds, 2)
}
