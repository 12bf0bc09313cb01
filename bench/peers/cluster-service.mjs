import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodePeer } from './node-peer.mjs'

/**
 * cluster-service 2.1.4, which lacks `http-proxy` as it is published; here it finds ours. It hands out the ports of its
 * versions in order and asks nobody whether they are free. So its one version gets the port of the worker that everybody has, and a
 * program that listens nowhere: its own workers would share their port through its supervisor, and be dearer.
 */
const library = nodePeer({
  id: 'cluster-service',
  name: 'cluster-service 2.1.4',
  file: 'cluster-service.cjs',
  library: 'cluster-service',
  speaks: [],
})

export const clusterService = {
  ...library,
  start({ backendPort, port, core, folder }) {
    const version = join(folder, 'v1')
    mkdirSync(version, { recursive: true })
    const name = fileURLToPath(import.meta.resolve('cluster-service'))
    writeFileSync(
      join(version, 'worker.js'),
      `require(${JSON.stringify(name)}).workerReady()\nsetInterval(() => {}, 60_000)\n`,
    )
    const config = {
      defaultVersion: 'v1',
      bindings: [{ port, workerCount: 1 }],
      versionPorts: `${backendPort}-${backendPort + 1}`,
      nonDefaultWorkerIdleTime: 3_600,
    }
    const file = join(folder, 'proxy.json')
    writeFileSync(file, JSON.stringify(config))
    return library.start({ backendPort, port, core, tls: null, settings: { BENCH_CONFIG: file } })
  },
}
