import { compare } from '../compare.mjs'
import { runLoad } from '../load/run-load.mjs'
import { isInstalled } from '../machine.mjs'
import { shapes } from '../shapes.mjs'
import { withStage } from '../stage.mjs'
import { loadTable } from './load-table.mjs'

const contenderIds = ['fast', 'general', 'nginx', 'haproxy', 'caddy', 'http-proxy-keep-alive']
const shapeName = '1 KiB, 50 connections'

/** HTTPS (ECDSA, P-256), connections kept. */
export const tlsSuite = {
  name: 'tls',
  defaults: { rounds: 3, seconds: 1 },
  smoke: { rounds: 1, seconds: 1, only: ['fast'] },
  async run({ rounds, seconds, isSmoke, only = null }) {
    if (!isInstalled('openssl'))
      return [{ key: 'tls', note: 'HTTPS: skipped, it takes openssl: apt-get install openssl' }]
    const results = []
    for (const backend of ['near-free', 'node']) {
      await withStage({ backend, wanted: only ?? contenderIds, tls: true }, async ({ contenders, cores }) => {
        const measure = (contender) =>
          runLoad({ ...contender, tls: true, core: cores.load }, shapes[shapeName], seconds)
        const samples = await compare({ contenders, rounds, measure, isSmoke })
        results.push(loadTable(`tls.${backend}`, `HTTPS, ${shapeName}, before a ${backend} backend`, samples))
      })
    }
    return results
  },
}
