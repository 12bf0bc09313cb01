import type { Command } from '../control/command.ts'
import type { NetFigures } from '../net-rates.ts'
import type { Supervisor } from '../supervisor.ts'
import { refreshMetrics } from './refresh-metrics.ts'

/** Sums over all workers; memory in bytes, of those that report it. */
export function infoCommand(supervisor: Supervisor): Command {
  return {
    name: 'info',
    level: 'remote',
    isVisible: true,
    help: { info: 'Returns summary of process & workers.', command: 'info', example: 'cservice info' },
    runsAtOnce: () => true,
    async run() {
      const { workers } = supervisor
      await refreshMetrics(workers)
      const memory = (key: 'rss' | 'heapTotal' | 'heapUsed') =>
        workers.reduce((total, { metrics }) => total + (metrics?.[key] ?? 0), 0)
      const net = (key: keyof NetFigures) => workers.reduce((total, worker) => total + (worker.net?.[key] ?? 0), 0)
      return {
        workers: { active: workers.filter(({ state }) => state === 'ready').length },
        memory: { rss: memory('rss'), heapTotal: memory('heapTotal'), heapUsed: memory('heapUsed') },
        net: {
          connections: net('connections'),
          connectionsOpen: net('connectionsOpen'),
          requests: net('requests'),
          avgRequests: net('avgRequests'),
          avgConnections: net('avgConnections'),
        },
        uptime: process.uptime(),
      }
    },
  }
}
