import { nearFreeName } from '../backends/near-free.mjs'
import { compare } from '../compare.mjs'
import { loadName, runLoad } from '../load/run-load.mjs'
import { shapes } from '../shapes.mjs'
import { withStage } from '../stage.mjs'
import { loadTable } from './load-table.mjs'

const shapeName = '1 KiB, 50 connections'

/** Everybody, before both backends, with the shape that most requests have. */
export const peersSuite = {
  name: 'peers',
  defaults: { rounds: 4, seconds: 1 },
  smoke: { rounds: 1, seconds: 1, only: ['fast', 'general', 'http-proxy-keep-alive'] },
  async run({ rounds, seconds, isSmoke, only = null }) {
    const results = []
    for (const backend of ['near-free', 'node']) {
      await withStage({ backend, wanted: only }, async ({ contenders, cores, tls }) => {
        const shape = shapes[shapeName]
        const measure = (contender) => runLoad({ ...contender, tls, core: cores.load }, shape, seconds)
        const samples = await compare({ contenders, rounds, measure, isSmoke })
        const behind = backend === 'node' ? 'a Node worker' : `a near-free backend (${nearFreeName})`
        results.push(loadTable(`peers.${backend}`, `${shapeName}, before ${behind}, load by ${loadName}`, samples))
      })
    }
    return results
  },
}
