import type { Pool } from '../pool.ts'
import type { WorkerHandle } from '../worker.ts'
import type { CallTimeouts } from '../worker-options.ts'

/** The move of workers from a pool to one that runs other code, one by one. Knows how many have moved, to put them back. */
export class PoolMove {
  readonly from: Pool
  readonly to: Pool
  #moved = 0

  constructor(from: Pool, to: Pool) {
    this.from = from
    this.to = to
  }

  /**
   * The new pool is larger by one, then the old one smaller by one.
   * @param worker who makes room; null: one that is missing
   * @throws CserviceError when the new one does not become ready: both pools are as before
   */
  async step(worker: WorkerHandle | null, timeouts: CallTimeouts): Promise<void> {
    const { from, to } = this
    await to.grow('upgrade', timeouts, worker ?? from.readyWorkers[0])
    const before = from.size
    const stopped = worker ? from.stopWorker(worker, 'upgrade', timeouts.stop) : from.stopOne('upgrade', timeouts.stop)
    this.#moved += before - from.size
    await stopped
  }

  /**
   * Starts those again that have left the old pool, whose crashes are forgotten. One that was short before and has given
   * nobody away stays as it was: it tries by itself.
   * @throws CserviceError why one does not become ready
   */
  async putBack(): Promise<void> {
    if (this.#moved > 0 || this.from.missing === 0) await this.from.scale(this.from.size + this.#moved, 'restart')
  }
}
