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
  const { arbitrary, check, seed, count, shrinkMs } = batch
  const cases = fc.sample(arbitrary, { seed, numRuns: count })
  const outcomes = await Promise.allSettled(cases.map((one) => check(arena, one)))
  const index = outcomes.findIndex(({ status }) => status === 'rejected')
  const outcome = outcomes[index]
  if (outcome?.status !== 'rejected') return null
  const property = fc.asyncProperty(arbitrary, (one) => check(arena, one))
  const path = String(index)
  const details = await fc.check(property, { seed, path, numRuns: 1, interruptAfterTimeLimit: shrinkMs })
  return [
    `failed: ${describe(outcome.reason)}`,
    fc.stringify(cases[index]),
    'a smaller one, alone:',
    details.failed ? fc.defaultReportMessage(details) : 'alone it does not fail',
    ...(details.failed ? [describe(details.errorInstance)] : []),
  ].join('\n')
}

function describe(error: unknown): string {
  return inspect(error, { depth: 6 })
}
