import type { RecycleLimits } from '../recycle-policy.ts'

export type { RecycleLimits }

/**
 * One entry of `workers`: a program of a plain service, of which `count` processes share their listening ports. Immutable;
 * an upgrade makes another entry.
 */
export interface WorkerEntry {
  /** Its key in `workers`: `main`, when only a path was given. */
  readonly name: string
  /** Absolute path of the file that Node runs. */
  readonly file: string
  /** Absolute path: the working directory of its processes. */
  readonly cwd: string
  readonly count: number
  /** `restart: false`: only an explicit pid restarts or upgrades it. */
  readonly isImmune: boolean
  /** Arguments of its own (`process.argv` from index 2). */
  readonly args: readonly string[]
  /** Added to the environment. */
  readonly env: Readonly<Record<string, string>>
  /** The user and group that its processes run as; null: ours. */
  readonly uid: number | null
  readonly gid: number | null
  readonly limits: RecycleLimits
  /** Milliseconds before a worker that exited unasked is started again; doubles with each failure in a row. */
  readonly restartDelay: number
  /** Whether its output is dropped. */
  readonly isSilent: boolean
}
