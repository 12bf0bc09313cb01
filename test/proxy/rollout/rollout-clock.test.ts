import { expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../../src/common/log.ts'
import type { RolloutConfig } from '../../../src/proxy/config/proxy-config.ts'
import { Rollout } from '../../../src/proxy/rollout/rollout.ts'
import type { RolloutParts } from '../../../src/proxy/rollout/transaction.ts'

const minute = 60_000
const config: RolloutConfig = {
  version: 'v2',
  steps: [10, 50],
  every: 300,
  guard: null,
  workers: null,
  step: 0,
  state: 'running',
  since: null,
  elapsed: 0,
}

test('a step lasts as long as it is to last, whatever becomes of the clock of the system', async () => {
  const { rollout, time, written } = rolloutAt({ wall: Date.UTC(2026, 0, 31), steady: 7_000 })
  await rollout.start(config, 'anna')
  time.wall += 600 * minute
  time.steady += 4 * minute
  rollout.count([])
  expect(rollout.status.rollout).toMatchObject({ step: 1, elapsed: 240 })
  time.wall -= 1_200 * minute
  time.steady += minute
  rollout.count([])
  await expect.poll(() => rollout.status.rollout).toMatchObject({ step: 2, share: 0.5, elapsed: 0 })
  // What is written is what the clock on the wall says, for the next start.
  expect(written.at(-1)).toMatchObject({ rollout: { step: 1, since: new Date(time.wall).toISOString() } })
})

test('a move that failed is tried again after its time, although the clock was set back', async () => {
  const { rollout, time, faults } = rolloutAt({ wall: Date.UTC(2026, 0, 31), steady: 0 })
  await rollout.start(config, 'anna')
  faults.push(new Error('the disk is full'))
  time.steady += 5 * minute
  rollout.count([])
  await expect.poll(() => rollout.problem).toMatch(/the disk is full/)
  time.wall -= 600 * minute
  time.steady += minute
  rollout.count([])
  await expect.poll(() => rollout.status.rollout).toMatchObject({ step: 2 })
  expect(rollout.problem).toBeNull()
})

/** A rollout in a gateway in which everything runs, by clocks of the test. */
function rolloutAt(time: { wall: number; steady: number }) {
  const written: unknown[] = []
  const faults: Error[] = []
  const version = { size: 1, route: { state: 'ready' }, scale: async () => {}, mayStart: () => true }
  const parts = {
    lookUp: async () => version,
    find: () => version,
    has: () => true,
    live: () => 'v1',
    config: () => ({ workerCount: 1, nonDefaultWorkerCount: 1, rolloutKey: 'address' }),
    rewrite: async (changes: unknown) => {
      const fault = faults.shift()
      if (fault !== undefined) throw fault
      written.push(changes)
      return { undo: async () => {} }
    },
    publish: () => 1,
    acknowledged: async () => {},
    promote: async () => {},
    shrink: () => {},
    hold: () => {},
    exclusively: <T>(action: () => Promise<T>) => action(),
    journal: { append: async () => {} },
    log: silentLog(),
  } as unknown as Omit<RolloutParts, 'now'>
  const rollout = new Rollout(parts, () => ({ ...time }))
  onTestFinished(() => rollout.close())
  return { rollout, time, written, faults }
}
