import fc from 'fast-check'
import { onTestFinished, test } from 'vitest'
import { openArena } from '../../../fuzz/arena.ts'
import { checkAgreement, clientCase } from '../../../fuzz/lanes-agree.ts'
import { checkIsolation, hostileCase } from '../../../fuzz/nothing-leaks.ts'

/**
 * A new seed each time, printed with a failure; LANE_SEED gives that one again, and LANE_RUNS looks further. Shrinking is bounded
 * too, so that a failure prints its bytes and its seed in time. `npm run fuzz` goes on for longer.
 */
const parameters: fc.Parameters<unknown> = {
  interruptAfterTimeLimit: 120_000,
  ...(process.env.LANE_SEED === undefined ? {} : { seed: Number(process.env.LANE_SEED) }),
}

async function arena() {
  const opened = await openArena()
  onTestFinished(() => opened.close())
  return opened
}

test('for any bytes, however they are cut, both lanes send the same to workers and to clients', {
  timeout: 300_000,
}, async () => {
  const opened = await arena()
  await fc.assert(
    fc.asyncProperty(clientCase, (one) => checkAgreement(opened, one)),
    { ...parameters, numRuns: Number(process.env.LANE_RUNS ?? 200) },
  )
})

test('whatever clients and workers send, nobody gets a byte of what was meant for somebody else, and every connection ends', {
  timeout: 300_000,
}, async () => {
  const opened = await arena()
  await fc.assert(
    fc.asyncProperty(hostileCase, (one) => checkIsolation(opened, one)),
    { ...parameters, numRuns: Number(process.env.LANE_RUNS ?? 200) / 4 },
  )
})
