import { readFileSync } from 'node:fs'
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
  const { state, startedAt } = look(pid)
  return startedAt === startTime && state !== 'Z'
}

/** Whether the pid is that of another process by now. */
export function isStranger({ pid, startTime }: Ward): boolean {
  const { startedAt } = look(pid)
  return startedAt !== null && startedAt !== startTime
}

/** State and start time, fields 3 and 22 of `stat` (proc(5)); null: there is no such process, or no `/proc`. */
function look(pid: number): { state: string | null; startedAt: string | null } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? null, startedAt: fields[19] ?? null }
  } catch {
    return { state: null, startedAt: null }
  }
}
