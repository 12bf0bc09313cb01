import { compare } from '../compare.mjs'
import { runClient } from '../load/run-client.mjs'
import { withStage } from '../stage.mjs'
import { loadTable } from './load-table.mjs'

const contenderIds = ['direct', 'fast', 'general', 'nginx', 'haproxy', 'caddy', 'http-proxy-keep-alive']

/** Events and messages, before a Node worker: many small pieces. */
export const streamsSuite = {
  name: 'streams',
  defaults: { rounds: 3, seconds: 1 },
  smoke: { rounds: 1, seconds: 0.5, only: ['fast'] },
  async run({ rounds, seconds, only = null }) {
    return withStage({ backend: 'node', wanted: only ?? contenderIds }, async ({ contenders, cores, backendPort }) => {
      const client = (file, path, connections) => (contender) =>
        runClient(file, {
          core: cores.load,
          port: contender.port,
          workerPort: backendPort,
          headers: contender.headers,
          path,
          connections,
          seconds,
        })
      const events = client('events.mjs', '/events', 20)
      const messages = client('messages.mjs', '/', 50)
      const speakers = contenders.filter(({ speaks }) => speaks.includes('messages'))
      return [
        loadTable(
          'streams.events',
          'Server-sent events of 64 B, 20 connections, events for requests',
          await compare({ contenders, rounds, measure: events, warmUp: null }),
        ),
        loadTable(
          'streams.messages',
          'WebSocket messages of 64 B and back, 50 connections, messages for requests',
          await compare({ contenders: speakers, rounds, measure: messages, warmUp: null }),
        ),
      ]
    })
  },
}
