import { nearFreeName } from '../backends/near-free.mjs'
import { compare } from '../compare.mjs'
import { runLoad } from '../load/run-load.mjs'
import { shapes } from '../shapes.mjs'
import { withStage } from '../stage.mjs'
import { loadTable } from './load-table.mjs'

const contenderIds = ['direct', 'fast', 'general', 'nginx', 'haproxy', 'caddy', 'http-proxy-keep-alive']
const first = '1 KiB, 50 connections' // is the subject of another suite

/** The other shapes of requests, before the near-free backend. */
export const shapesSuite = {
  name: 'shapes',
  defaults: { rounds: 3, seconds: 1 },
  smoke: { rounds: 1, seconds: 1, only: ['fast'] },
  async run({ rounds, seconds, isSmoke, only = null }) {
    return withStage({ backend: 'near-free', wanted: only ?? contenderIds }, async ({ contenders, cores, tls }) => {
      const load = (shape) => (contender) => runLoad({ ...contender, tls, core: cores.load }, shape, seconds)
      const results = []
      let warmUp = load(shapes[first])
      for (const [name, shape] of Object.entries(shapes).filter(([name]) => name !== first)) {
        const samples = await compare({ contenders, rounds, measure: load(shape), warmUp, isSmoke })
        results.push(loadTable(`shapes.${name}`, `${name}, before a near-free backend (${nearFreeName})`, samples))
        warmUp = null
      }
      return results
    })
  },
}
