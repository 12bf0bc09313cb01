import type { Log } from '../common/log.ts'
import type { Pool } from './pool.ts'
import { judgeWorker, type RecycleLimits } from './recycle-policy.ts'
import type { WorkerHandle } from './worker.ts'

export interface RecyclerOptions {
  readonly pools: () => readonly Pool[]
  /** Puts another worker in the place of this one; waits its turn among other commands. */
  readonly replace: (worker: WorkerHandle) => Promise<unknown>
  readonly log: Log
}

const tickMs = 1_000
/** After a replacement that failed the next one waits for so long, in ticks. */
const pauseTicks = 60

/**
 * Replaces workers that have outgrown their limits, one at a time, and ends those whose event loop hangs. Owns its timer.
 * Time is counted in ticks of our own: a machine that was asleep, or a supervisor that was busy, finds nobody silent.
 */
export class Recycler {
  readonly #options: RecyclerOptions
  readonly #timer: NodeJS.Timeout
  #isReplacing = false
  #pause = 0

  constructor(options: RecyclerOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#look(), tickMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    this.#pause = Math.max(0, this.#pause - 1)
    for (const pool of this.#options.pools()) {
      const { recycle } = pool.spec
      if (recycle) for (const worker of pool.readyWorkers) this.#judge(worker, recycle)
    }
  }

  #judge(worker: WorkerHandle, limits: RecycleLimits): void {
    const unanswered = limits.unresponsive === null ? 0 : worker.ping() - 1
    const verdict = judgeWorker(limits, {
      rss: worker.metrics?.rss ?? null,
      readyFor: (Date.now() - (worker.readyAt ?? Date.now())) / 1_000,
      silentFor: (unanswered * tickMs) / 1_000,
    })
    if (verdict === null) return
    if (verdict.action === 'end') {
      this.#options.log.error({ worker: worker.name, pid: worker.pid }, `ended, since ${verdict.why}`)
      worker.fail(verdict.why)
    } else void this.#replace(worker, verdict.why)
  }

  async #replace(worker: WorkerHandle, why: string): Promise<void> {
    if (this.#isReplacing || this.#pause > 0) return
    this.#isReplacing = true
    const { log, replace } = this.#options
    log.info({ worker: worker.name, pid: worker.pid }, `replaced, since ${why}`)
    try {
      await replace(worker)
    } catch (error) {
      if (worker.state !== 'ready') return // it has gone by itself while it waited for its turn
      this.#pause = pauseTicks
      log.error({ err: error, worker: worker.name, pid: worker.pid }, 'it could not be replaced and stays')
    } finally {
      this.#isReplacing = false
    }
  }
}
