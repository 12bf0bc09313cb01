import { startTimeOf, statOf } from './channel-client.cts'
import type { Ward } from './channel-protocol.ts'

/**
 * Whether this very process runs: its pid alone may be a stranger's by now. A dead process whose parent has not noticed still
 * has its pid and its start time, and does not count.
 */
export function isRunning({ pid, startTime }: Ward): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const stat = statOf(pid)
  return (stat?.[19] ?? null) === startTime && stat?.[0] !== 'Z'
}

/** Whether the pid is that of another process by now. */
export function isStranger({ pid, startTime }: Ward): boolean {
  const startedAt = startTimeOf(pid)
  return startedAt !== null && startedAt !== startTime
}
