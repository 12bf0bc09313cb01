import type { WorkerHandle } from './worker.ts'

/** A call that makes a pool larger by one worker; `worker`: the new one, once it has a process. */
export interface Growth {
  worker: WorkerHandle | null
}

/** How many workers a pool is to have, while calls that overlap say what they want of it. Owns the number. */
export class PoolSize {
  #wanted = 0
  /** The size that was reached last: what a call that fails goes back to. */
  #settled = 0
  #decisions = 0
  /** Under way. One that is taken out no longer counts: somebody has decided anew. */
  readonly #growths = new Set<Growth>()

  get wanted(): number {
    return this.#wanted
  }

  /** Without those that a growth has yet to bring up. */
  get soFar(): number {
    return this.#wanted - this.#growths.size
  }

  /** It is to be this from now on. @returns the number of the decision, for `undo` */
  decide(size: number): number {
    this.#wanted = size
    this.#growths.clear()
    return ++this.#decisions
  }

  /** There are as many as was decided, or as is wanted by now. */
  settle(size: number): void {
    this.#settled = Math.min(size, this.#wanted)
  }

  /** As before a decision that failed, unless there has been a later one: that is not undone. @returns whether it was */
  undo(decision: number): boolean {
    if (decision !== this.#decisions) return false
    this.#wanted = this.#settled
    this.#growths.clear()
    return true
  }

  /** One more is there already. */
  raise(): void {
    this.#wanted++
    this.#settled++
  }

  beginGrowth(): Growth {
    const growth = { worker: null }
    this.#growths.add(growth)
    this.#wanted++
    return growth
  }

  endGrowth(growth: Growth, hasGrown: boolean): void {
    const isPending = this.#growths.delete(growth)
    if (hasGrown) this.settle(this.#settled + 1)
    else if (isPending) this.#lower()
  }

  /** Smaller by this worker, or by anyone. */
  lower(worker: WorkerHandle | null): void {
    for (const growth of this.#growths) if (worker !== null && growth.worker === worker) this.#growths.delete(growth)
    this.#lower()
  }

  #lower(): void {
    this.#wanted = Math.max(0, this.#wanted - 1)
    this.settle(this.#settled)
  }
}
