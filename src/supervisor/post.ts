import type { Pool } from './pool.ts'
import type { WorkerHandle } from './worker.ts'
import { isUp } from './worker-state.ts'

/** One of the places of a pool: who fills it, or null when nobody does, since a worker crashed and is not back. */
export interface Post {
  readonly pool: Pool
  readonly worker: WorkerHandle | null
}

/** The vacant ones first: whoever fills them adds to what serves. */
export function postsOf(pool: Pool): Post[] {
  const vacant = Array.from({ length: pool.missing }, () => ({ pool, worker: null }))
  return [...vacant, ...pool.workers.filter(isUp).map((worker) => ({ pool, worker }))]
}
