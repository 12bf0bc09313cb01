import { CserviceError } from '../../common/errors.ts'
import type { Command } from '../control/command.ts'
import type { Supervisor } from '../supervisor.ts'
import type { WorkerHandle } from '../worker.ts'

/** Lists the workers; figures are those of each agent's last report, so that a worker that hangs holds nobody up. */
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
      const describe = form === 'simple' ? describeSimply : describeInDetail
      return { workers: supervisor.workers.map(describe) }
    },
  }
}

function describeSimply(worker: WorkerHandle) {
  const { metrics } = worker
  return {
    id: worker.id,
    pid: worker.pid,
    state: worker.state,
    worker: worker.name,
    port: worker.port,
    process: {
      memory: metrics && {
        rss: metrics.rss,
        heapTotal: metrics.heapTotal,
        heapUsed: metrics.heapUsed,
        external: metrics.external,
        arrayBuffers: metrics.arrayBuffers,
      },
      uptime: (Date.now() - worker.startedAt) / 1_000,
    },
  }
}

function describeInDetail(worker: WorkerHandle) {
  const { metrics } = worker
  return {
    ...describeSimply(worker),
    kind: worker.kind,
    reason: worker.reason,
    startedAt: new Date(worker.startedAt).toISOString(),
    readyAt: worker.readyAt === null ? null : new Date(worker.readyAt).toISOString(),
    eventLoopDelay: metrics && { mean: metrics.eventLoopDelayMean, max: metrics.eventLoopDelayMax },
  }
}
