import { compare } from '../compare.mjs'
import { runClient } from '../load/run-client.mjs'
import { runLoad } from '../load/run-load.mjs'
import { shapes } from '../shapes.mjs'
import { withStage } from '../stage.mjs'
import { loadTable } from './load-table.mjs'

const contenderIds = ['direct', 'fast', 'general', 'nginx', 'haproxy', 'caddy', 'http-proxy-keep-alive']
const share = 0.15 // of what nginx can carry
const connections = 50
const path = '/1024'

/** How long an answer takes at a moderate rate, the same for everybody. */
export const latencySuite = {
  name: 'latency',
  defaults: { rounds: 3, seconds: 1.5 },
  smoke: { rounds: 1, seconds: 1, only: ['fast'] },
  async run({ rounds, seconds, only = null }) {
    const results = []
    for (const backend of ['near-free', 'node']) {
      await withStage({ backend, wanted: only ?? contenderIds }, async ({ contenders, cores, tls }) => {
        const core = cores.load
        const running = contenders.filter(({ failure }) => !failure)
        const base = running.find(({ id }) => id === 'nginx') ?? running[0]
        const { requests, seconds: time } = await runLoad({ ...base, tls, core }, shapes['1 KiB, 50 connections'], 1)
        const rate = Math.round((requests / time) * share)
        const measure = ({ port, headers }) =>
          runClient('fixed-rate.mjs', { core, port, headers, path, connections, rate, seconds })
        const samples = await compare({ contenders, rounds, measure, warmUp: null })
        const title = `${rate} requests/s (${share * 100} % of what ${base.name} can carry), before a ${backend} backend`
        results.push(loadTable(`latency.${backend}`, title, samples))
      })
    }
    return results
  },
}
