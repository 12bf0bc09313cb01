import type { WorkerHandle } from '../supervisor/worker.ts'
import type { Gateway } from './gateway.ts'

/** Keys of proxy.json whose values are nobody's business. */
const secretKeys = /pass(phrase|word)|secret|token|^previewKey$/i

/** The answer of `proxy info` (LEGACY 7.6, and what is new): JSON-safe, secrets masked. */
export function describeGateway(gateway: Gateway) {
  const { config, publisher, processes, catalog, versions, spares } = gateway
  const live = gateway.live.name
  const proxyWorkers = processes.bindings.flatMap(({ port, config: binding, pool }) =>
    pool.workers.map((worker) => ({
      port,
      ssl: binding.tlsOptions !== null,
      pid: worker.pid,
      state: worker.state,
      epoch: publisher.epochOf(worker),
    })),
  )
  return {
    versionPath: config.versionPath,
    workerFilename: config.workerFilename,
    portRange: config.versionPorts,
    options: mask(config.raw),
    configFile: config.file,
    configError: gateway.configuration.lastError?.message ?? null,
    bindings: processes.bindings.map(({ port, config: binding, certificates }) => ({
      port,
      host: binding.host,
      redirect: binding.redirect,
      tls: certificates?.describe() ?? null,
    })),
    proxyWorkers,
    versionWorkers: allNames().flatMap((name) => {
      const version = versions.find(name)
      return (version?.pool?.workers ?? []).map((worker) => ({
        worker: config.workerFilename,
        version: name,
        lastAccess: version ? secondsSince(version.activity.lastAccess) : null,
        ...describeWorker(worker),
      }))
    }),
    liveVersion: live,
    spares: { ready: spares.ready, wanted: spares.wanted },
    rollout: gateway.rollout.status.rollout,
    lastRollout: gateway.rollout.status.last,
    mirror: gateway.mirroring.status,
    epoch: publisher.table.epoch,
    /** Requests and connections that the gateway itself refused, by code, all bindings together. */
    refused: processes.refused.toJSON(),
    versions: allNames().map((name) => describeVersion(gateway, name)),
  }

  function allNames(): readonly string[] {
    const isGone = live !== null && !catalog.has(live) && versions.find(live)?.isRunning
    return isGone ? [...catalog.names, live] : catalog.names
  }
}

function describeVersion(gateway: Gateway, name: string) {
  const version = gateway.versions.find(name)
  const workers = version?.pool?.workers ?? []
  const draining = (version?.retiring ?? [])
    .flatMap((pool) => pool.workers)
    .concat(workers.filter(({ state }) => state === 'draining'))
  return {
    name,
    state: version?.route.state ?? 'cold',
    workers: workers.filter(({ state }) => state === 'ready').length,
    ports: workers.flatMap(({ state, port }) => (state === 'ready' && port !== null ? [port] : [])),
    inFlight: version?.activity.inFlight ?? 0,
    requests: version?.activity.requests ?? 0,
    lastAccess: version && version.activity.requests > 0 ? secondsSince(version.activity.lastAccess) : null,
    /** Workers that get nothing new, and the proxy processes whose requests they still finish. */
    draining: draining.map((worker) => ({
      ...describeWorker(worker),
      heldBy: gateway.publisher.holders(worker.id).map(({ pid }) => pid),
    })),
    error: version?.error?.toJSON() ?? null,
  }
}

function describeWorker(worker: WorkerHandle) {
  return { pid: worker.pid, port: worker.port, state: worker.state }
}

function secondsSince(time: number): number {
  return Math.round((Date.now() - time) / 1_000)
}

function mask(value: unknown, key = ''): unknown {
  if (secretKeys.test(key) && value !== null && value !== undefined) return '***'
  if (Array.isArray(value)) return value.map((item) => mask(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mask(item, name)]))
}
