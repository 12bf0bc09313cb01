import { CserviceError } from '../../common/errors.ts'
import type { Command } from '../control/command.ts'
import { crashLoops } from '../pool-problems.ts'
import type { Supervisor } from '../supervisor.ts'
import type { WorkerHandle } from '../worker.ts'
import { refreshMetrics } from './refresh-metrics.ts'

/** Lists the workers, and the pools that have given up. */
export function workersCommand(supervisor: Supervisor): Command {
  return {
    name: 'workers',
    level: 'remote',
    isVisible: true,
    help: {
      info: 'Returns list of active worker processes.',
      command: 'workers [simple|details]',
      'simple|details': "Defaults to 'simple'. 'details' adds why and when each was started, and its event-loop delay.",
      example: 'cservice workers details',
    },
    runsAtOnce: () => true,
    async run(_args, { words: [form = 'simple'] }) {
      if (form !== 'simple' && form !== 'details') {
        throw new CserviceError('BAD_USAGE', `workers: ${JSON.stringify(form)} is neither simple nor details`)
      }
      await refreshMetrics(supervisor.workers)
      const failed = crashLoops(supervisor.pools)
      const workers = supervisor.workers.map(form === 'simple' ? describeSimply : describeInDetail)
      return failed.length === 0 ? { workers } : { workers, failed }
    },
  }
}

function describeSimply(worker: WorkerHandle) {
  const { metrics, net } = worker
  const memory = metrics && {
    rss: metrics.rss,
    heapTotal: metrics.heapTotal,
    heapUsed: metrics.heapUsed,
    external: metrics.external,
    arrayBuffers: metrics.arrayBuffers,
  }
  return {
    id: worker.clusterWorker?.id ?? worker.id,
    pid: worker.pid,
    state: worker.state,
    name: worker.name,
    worker: worker.file,
    cwd: worker.cwd,
    port: worker.port,
    process: {
      memory,
      ...(metrics === null ? {} : { title: metrics.title, hrtime: metrics.hrtime }),
      uptime: (Date.now() - worker.startedAt) / 1_000,
      ...(net === null ? {} : { net }),
    },
  }
}

function describeInDetail(worker: WorkerHandle) {
  const { metrics } = worker
  return {
    ...describeSimply(worker),
    kind: worker.kind,
    reason: worker.reason,
    listensOn: worker.places,
    startedAt: new Date(worker.startedAt).toISOString(),
    readyAt: worker.readyAt === null ? null : new Date(worker.readyAt).toISOString(),
    eventLoopDelay: metrics && { mean: metrics.eventLoopDelayMean, max: metrics.eventLoopDelayMax },
  }
}
