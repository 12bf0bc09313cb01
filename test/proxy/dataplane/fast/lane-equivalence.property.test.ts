import type fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { type Arena, openArena } from '../../../fuzz/arena.ts'
import { checkBatch } from '../../../fuzz/check-batch.ts'
import { checkAgreement, clientCase } from '../../../fuzz/lanes-agree.ts'
import { checkIsolation, hostileCase } from '../../../fuzz/nothing-leaks.ts'

/**
 * A new seed each time, printed with a failure; LANE_SEED gives that one again, and LANE_RUNS looks further. `npm run fuzz` goes
 * on for longer.
 */
const firstSeed = Number(process.env.LANE_SEED ?? Math.floor(Math.random() * 0x7fffffff))
const runs = Number(process.env.LANE_RUNS ?? 256)
/** Cases that run at once: few enough that none comes near its time limits. */
const atOnce = 32
const shrinkMs = 120_000

async function expectNoFailure<T>(
  arbitrary: fc.Arbitrary<T>,
  check: (arena: Arena, one: T) => Promise<void>,
  count: number,
): Promise<void> {
  const arena = await openArena()
  onTestFinished(() => arena.close())
  for (let done = 0; done < count; done += atOnce) {
    const seed = firstSeed + done
    const failure = await checkBatch(arena, { arbitrary, check, seed, count: Math.min(atOnce, count - done), shrinkMs })
    expect(failure, `again: LANE_SEED=${seed} LANE_RUNS=${atOnce}`).toBe(null)
  }
}

test(
  'for any bytes, however they are cut, both lanes send the same to workers and to clients',
  {
    timeout: 300_000,
  },
  () => expectNoFailure(clientCase, checkAgreement, runs),
)

test(
  'whatever clients and workers send, nobody gets a byte of what was meant for somebody else, and every connection ends',
  {
    timeout: 300_000,
  },
  () => expectNoFailure(hostileCase, checkIsolation, Math.ceil(runs / 2)),
)
