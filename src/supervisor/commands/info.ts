import type { Command } from '../control/command.ts'
import type { Supervisor } from '../supervisor.ts'

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
      const sum = (key: 'rss' | 'heapTotal' | 'heapUsed') =>
        workers.reduce((total, { metrics }) => total + (metrics?.[key] ?? 0), 0)
      return {
        workers: { active: workers.filter(({ state }) => state === 'ready').length },
        memory: { rss: sum('rss'), heapTotal: sum('heapTotal'), heapUsed: sum('heapUsed') },
        uptime: process.uptime(),
      }
    },
  }
}
