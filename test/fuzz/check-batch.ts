import { inspect } from 'node:util'
import fc from 'fast-check'
import type { Arena } from './arena.ts'

export interface Batch<T> {
  readonly arbitrary: fc.Arbitrary<T>
  readonly check: (arena: Arena, one: T) => Promise<void>
  /** Of the random numbers: the same seed and count give the same cases. */
  readonly seed: number
  readonly count: number
  /** How long a failure may be looked at for a smaller one, in milliseconds. */
  readonly shrinkMs: number
}

/**
 * Checks so many cases, all at once, as most of the time of one is waiting for a limit.
 * @returns what is known of the first that fails: alone and smaller, if it fails alone as well; null: none did
 */
export async function checkBatch<T>(arena: Arena, batch: Batch<T>): Promise<string | null> {
  const { arbitrary, check, seed, count } = batch
  const cases = fc.sample(arbitrary, { seed, numRuns: count })
  const outcomes = await Promise.allSettled(cases.map((one) => check(arena, one)))
  const index = outcomes.findIndex(({ status }) => status === 'rejected')
  const outcome = outcomes[index]
  if (outcome?.status !== 'rejected') return null
  const failed = outcomes.flatMap(({ status }, at) => (status === 'rejected' ? [at] : []))
  const sound = outcomes.flatMap(({ status }, at) => (status === 'fulfilled' ? [at] : []))
  return [
    `failed: ${describe(outcome.reason)}`,
    fc.stringify(cases[index]),
    'a smaller one, alone:',
    // What a worker got that it must not may have been seen by another case than the one that sent it.
    (await findAlone(arena, batch, [...failed, ...sound])) ?? 'alone none of them fails',
  ].join('\n')
}

/** The first case that fails alone as well, made smaller as far as the time goes. */
async function findAlone<T>(arena: Arena, batch: Batch<T>, order: readonly number[]): Promise<string | null> {
  const { arbitrary, check, seed, shrinkMs } = batch
  const property = fc.asyncProperty(arbitrary, (one) => check(arena, one))
  const until = Date.now() + shrinkMs
  for (const index of order) {
    if (Date.now() >= until) return null
    const interruptAfterTimeLimit = until - Date.now()
    const details = await fc.check(property, { seed, path: String(index), numRuns: 1, interruptAfterTimeLimit })
    if (details.failed) return `${fc.defaultReportMessage(details)}\n${describe(details.errorInstance)}`
  }
  return null
}

function describe(error: unknown): string {
  return inspect(error, { depth: 6 })
}
