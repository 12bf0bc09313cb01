// One backend, and in front of it everybody that is to be compared: the gateway, which also starts and watches the backend (it
// is a worker of version v1), and the installed peers, which are given the same port of the same process.
import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addNearFreeWorker } from './backends/near-free.mjs'
import { makeCertificate } from './certificate.mjs'
import { withGateway } from './gateway.mjs'
import { temporaryFolder } from './leftovers.mjs'
import { corePlan, moveToCore } from './machine.mjs'
import { peers } from './peers/peers.mjs'
import { freePort } from './processes.mjs'

/**
 * What the fast lane declines, and so a connection whose first request has it is in the general lane from its start
 * (src/proxy/dataplane/fast/scan-request-head.ts).
 */
export const generalLaneHeaders = { te: 'trailers' }

const backends = {
  'near-free': { addWorker: addNearFreeWorker, workerFilename: 'worker' },
  node: { addWorker: addNodeWorker, workerFilename: 'worker.js' },
}

/**
 * Runs `use` with the contenders: `{ id, name, port, headers, pids, speaks, isPeer, failure }` each; `direct` is the
 * backend itself; a peer that does not start is among them, with its failure.
 * @param backend `near-free` or `node`
 * @param wanted ids; null: all
 * @param tls whether the contenders serve HTTPS
 * @param settings more of proxy.json
 */
export async function withStage({ backend, wanted = null, tls = false, settings = {}, versions = ['v1'] }, use) {
  const cores = corePlan()
  const folder = temporaryFolder()
  const { addWorker, workerFilename } = backends[backend]
  const certificate = tls ? makeCertificate(folder) : null
  const isWanted = ({ id }) => wanted === null || wanted.includes(id)
  const started = []
  try {
    return await withGateway(
      async (gateway) => {
        const { ours, backendPort } = await lanesOf(gateway, cores, tls)
        const others = []
        for (const peer of peers.filter(isWanted)) {
          if (!peer.isInstalled() || (tls && !peer.speaks.includes('tls'))) continue
          const port = await freePort()
          const place = {
            backendPort,
            port,
            core: cores.proxy,
            folder: join(folder, peer.id),
            tls: certificate,
            backend,
          }
          const { id, name, speaks } = peer
          const contender = { id, name, speaks, port, headers: {}, pids: () => [], isPeer: true, failure: null }
          others.push(contender)
          try {
            const running = await peer.start(place)
            started.push(running)
            contender.pids = running.pids
          } catch (error) {
            contender.failure = `it does not start: ${error.message}`
          }
        }
        return await use({ contenders: [...ours.filter(isWanted), ...others], backendPort, cores, tls })
      },
      { warmSpares: 0, workerFilename, ...settings },
      { core: cores.backend, versions, addWorker, tls: certificate },
    )
  } finally {
    for (const running of started) await running.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The wanted peers that are not there: what the report says of them. */
export function missingPeers(wanted = null) {
  return peers.filter((peer) => (wanted === null || wanted.includes(peer.id)) && !peer.isInstalled())
}

async function lanesOf(gateway, cores, tls) {
  const info = await gateway.command('proxy', 'info')
  const port = tls ? gateway.tlsPort : gateway.port
  const worker = info.versionWorkers.find(({ version }) => version === 'v1')
  const [proxy] = info.proxyWorkers.filter((candidate) => candidate.port === port)
  for (const { pid } of info.proxyWorkers) moveToCore(cores.proxy, pid)
  const speaks = ['tls', 'http2', 'messages']
  const pids = () => [proxy.pid]
  const direct = { id: 'direct', name: 'direct', speaks: ['messages'], port: worker.port, headers: {} }
  return {
    backendPort: worker.port,
    ours: [
      ...(tls ? [] : [{ ...direct, pids: () => [worker.pid] }]),
      { id: 'fast', name: 'cservice, fast lane', speaks, port, headers: {}, pids },
      { id: 'general', name: 'cservice, general lane', speaks, port, headers: generalLaneHeaders, pids },
    ],
  }
}

function addNodeWorker(folder) {
  copyFileSync(fileURLToPath(new URL('backends/worker.js', import.meta.url)), join(folder, 'worker.js'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
}
