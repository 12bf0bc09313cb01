import { CserviceError } from '../../common/errors.ts'
import type { CommandContext } from '../control/command.ts'
import type { Pool } from '../pool.ts'
import { type Post, postsOf } from '../post.ts'
import type { Supervisor } from '../supervisor.ts'
import type { WorkerHandle } from '../worker.ts'
import { isUp } from '../worker-state.ts'

/** Which workers a command means. */
export type Selection = 'all' | { readonly pid: number }

/** The first word: `all`, or a pid in digits; null for anything else. */
export function readSelection({ words: [word = ''] }: CommandContext): Selection | null {
  if (word === 'all') return 'all'
  return /^[1-9]\d{0,9}$/.test(word) ? { pid: Number(word) } : null
}

/**
 * The posts meant: all but those of immune pools and of our own processes, vacant ones too, so that what crashes again and
 * again can be put right; or the one with the pid, unless it is leaving already.
 * @throws CserviceError BAD_USAGE for the pid of a process of the service itself
 */
export function selectPosts(supervisor: Supervisor, selection: Selection): Post[] {
  if (selection === 'all') {
    return supervisor.pools.filter(({ spec }) => !spec.isImmune && !spec.keepsWatch).flatMap(postsOf)
  }
  const post = findWorker(supervisor, selection.pid)
  return post && isUp(post.worker) ? [post] : []
}

/**
 * The worker with a pid and its pool; null when there is none.
 * @throws CserviceError BAD_USAGE for the pid of a process of the service itself
 */
export function findWorker(supervisor: Supervisor, pid: number): { pool: Pool; worker: WorkerHandle } | null {
  for (const pool of supervisor.pools) {
    const worker = pool.workers.find((candidate) => candidate.pid === pid)
    if (worker?.kind === 'own') {
      throw new CserviceError('BAD_USAGE', `${pid} is a process of the service itself (${worker.name})`, {
        hint: 'How many there are is said in proxy.json, as the workerCount of the binding.',
      })
    }
    if (worker) return { pool, worker }
  }
  return null
}
