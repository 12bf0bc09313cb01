import type { Pool } from './pool.ts'
import { explainFailure } from './worker-exit.ts'

/** A pool whose workers exit again and again. */
export interface CrashLoop {
  readonly name: string
  readonly state: 'crash-loop'
  /** Workers that are not there. */
  readonly missing: number
  readonly error: string | null
}

export function crashLoops(pools: readonly Pool[]): CrashLoop[] {
  return pools
    .filter((pool) => pool.isCrashLoop)
    .map((pool) => ({
      name: pool.spec.name,
      state: 'crash-loop',
      missing: Math.max(0, pool.size - pool.readyWorkers.length),
      error: pool.lastFailure && explainFailure(pool.lastFailure),
    }))
}

/** What is wrong with these pools, a sentence each. */
export function poolProblems(pools: readonly Pool[]): string[] {
  return pools
    .filter(({ readyWorkers, sizeSoFar }) => readyWorkers.length < sizeSoFar)
    .map(({ spec, readyWorkers, size, lastFailure, isCrashLoop }) => {
      const count = `${spec.name} has ${readyWorkers.length} of ${size} workers`
      const how = isCrashLoop ? ', which exit again and again' : ''
      return `${count}${how}${lastFailure === null ? '' : `: ${explainFailure(lastFailure)}`}`
    })
}

/** Pools of which nobody serves, a sentence each. */
export function poolHindrances(pools: readonly Pool[]): string[] {
  return pools
    .filter(({ sizeSoFar, readyWorkers }) => sizeSoFar > 0 && readyWorkers.length === 0)
    .map(({ spec }) => `${spec.name} has no ready worker`)
}
