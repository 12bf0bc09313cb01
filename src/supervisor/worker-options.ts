import type { Log } from '../common/log.ts'
import type { ChannelServer } from './channel-server.ts'
import type { OutputSink } from './output.ts'
import type { Predecessor } from './readiness-rule.ts'
import type { Spare } from './spares/spare.ts'

/** Why a worker was started. Carried by each worker; nothing about it is global. */
export type StartReason = 'start' | 'scale' | 'demand' | 'promote' | 'restart' | 'upgrade' | 'failure'

/** Why a worker was asked to stop. */
export type StopReason = 'scale' | 'restart' | 'upgrade' | 'shutdown'

/** In milliseconds; read when they are needed, so that a change holds for workers that run already. */
export interface WorkerTimeouts {
  readonly startTimeout: number
  /** How long a worker may take to stop after SIGTERM, before SIGKILL. */
  readonly stopTimeout: number
  /** How long it may take when it is asked over its channel, before SIGTERM; `stopTimeout` by default. */
  readonly askTimeout?: number
}

/** Deadlines of one call instead of those of the pool, in milliseconds; Infinity: as long as it takes. */
export interface CallTimeouts {
  /** Until a new worker is ready. */
  readonly start?: number
  /** Until an old one has stopped after it was asked. */
  readonly stop?: number
}

export interface WorkerOptions {
  readonly id: string
  readonly name: string
  readonly reason: StartReason
  readonly timeouts: WorkerTimeouts
  /** The worker whose place this one takes; see ReadinessRule. */
  readonly predecessor: Predecessor
  readonly channel: ChannelServer
  readonly output: OutputSink
  readonly log: Log
  /** The process that has become this worker; without one, a process is started. */
  readonly spare?: Spare | null
}

/** The times stay getters, but for the one that was given. */
export function withStartTimeout(timeouts: WorkerTimeouts, startTimeout: number): WorkerTimeouts {
  return {
    startTimeout,
    get stopTimeout() {
      return timeouts.stopTimeout
    },
    get askTimeout() {
      return timeouts.askTimeout ?? timeouts.stopTimeout
    },
  }
}
