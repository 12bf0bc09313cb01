import type { Launch } from './launch.ts'
import type { RecycleLimits } from './recycle-policy.ts'
import type { RestartPolicy } from './restart-policy.ts'
import type { WorkerHandle } from './worker.ts'
import type { WorkerExit } from './worker-exit.ts'
import type { WorkerTimeouts } from './worker-options.ts'

/** What all workers of a pool have in common. Times in milliseconds, read when they are needed: they may be getters. */
export interface PoolSpec extends WorkerTimeouts {
  /** For logs and people: `v2`, `proxy 8080`. */
  readonly name: string
  /**
   * What to run, asked anew for each worker, since each has a port of its own.
   * @throws CserviceError when there is nothing to run or nothing to run it on
   */
  launch(): Promise<Launch>
  /**
   * Takes a worker that was ready out of use: resolves when nothing new can reach it and what was under way is done, or
   * when its own deadline has passed. Only then is the worker asked to stop.
   */
  drain?(worker: WorkerHandle): Promise<void>
  readonly restart?: RestartPolicy
  /**
   * By what a supervisor that comes after this one knows whose workers these are (docs/adr/0010): JSON-able, and no secret.
   * Without it nobody takes them over.
   */
  readonly tag?: unknown
  /** Whether a crash loop that leaves no worker is tried again every minute, since nobody asks for workers again. */
  readonly keepsTrying?: boolean
  /** Whether a worker that exited before it was ready would have been ready with another launch: another port, say. */
  isBadLuck?(exit: WorkerExit): boolean
  /** Its processes end the others if the supervisor dies and stays away. Only for our own programs. */
  readonly keepsWatch?: boolean
  /** When a worker is replaced though it has not failed. */
  readonly recycle?: RecycleLimits
  /** Only a pid restarts or upgrades its workers, not `all`. */
  readonly isImmune?: boolean
}

export interface PoolEvents {
  worker: [WorkerHandle]
  /** A worker changed its state. */
  change: [WorkerHandle]
  /** A worker exited unasked; with `gaveUp` it is not replaced, since it is a crash loop. */
  failure: [WorkerExit, { readonly gaveUp: boolean }]
}
