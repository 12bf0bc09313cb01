import { once } from 'node:events'
import tls from 'node:tls'
import { compare } from '../compare.mjs'
import { runH2load } from '../load/run-h2load.mjs'
import { isInstalled } from '../machine.mjs'
import { withStage } from '../stage.mjs'
import { loadTable } from './load-table.mjs'

const contenderIds = ['fast', 'nginx', 'haproxy', 'caddy']
const shape = { path: '/1024', connections: 10, streams: 10 }

/** HTTP/2 over TLS. */
export const http2Suite = {
  name: 'http2',
  defaults: { rounds: 3, seconds: 1 },
  smoke: { rounds: 1, seconds: 1, only: ['fast'] },
  async run({ rounds, seconds, isSmoke, only = null }) {
    const missing = ['openssl', 'h2load'].filter((program) => !isInstalled(program))
    if (missing.length > 0) {
      const note = `HTTP/2: skipped, it takes ${missing.join(' and ')}: apt-get install openssl nghttp2-client`
      return [{ key: 'http2', note }]
    }
    const results = []
    for (const backend of ['near-free', 'node']) {
      const wanted = only ?? contenderIds
      await withStage({ backend, wanted, tls: true }, async ({ contenders, cores }) => {
        const speakers = []
        for (const contender of contenders.filter(({ speaks }) => speaks.includes('http2'))) {
          if (contender.failure || (await speaksHttp2(contender)))
            speakers.push({ ...contender, name: contender.name.replace(', fast lane', '') })
          else results.push({ key: `http2.${contender.id}`, note: `HTTP/2: ${contender.name} does not speak it` })
        }
        if (speakers.length === 0) return
        const measure = (contender) => runH2load({ ...contender, core: cores.load }, shape, seconds)
        const samples = await compare({ contenders: speakers, rounds, measure, isSmoke })
        const title = `HTTP/2, ${shape.connections} connections of ${shape.streams} streams, 1 KiB, before a ${backend} backend`
        results.push(loadTable(`http2.${backend}`, title, samples))
      })
    }
    return results
  },
}

async function speaksHttp2({ port }) {
  const socket = tls.connect({ port, host: '127.0.0.1', ALPNProtocols: ['h2', 'http/1.1'], rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const protocol = socket.alpnProtocol
  socket.destroy()
  return protocol === 'h2'
}
