import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RolloutConfig } from '../../../src/proxy/config/proxy-config.ts'
import { Guard, type Verdict } from '../../../src/proxy/rollout/guard.ts'
import type { Moment } from '../../../src/proxy/rollout/moment.ts'
import { nextMove, type Outlook } from '../../../src/proxy/rollout/next-move.ts'
import {
  atStep,
  begin,
  edited,
  elapsedOf,
  paused,
  type RolloutPlan,
  resumed,
  shareOf,
  workersOf,
} from '../../../src/proxy/rollout/plan.ts'
import { isSamePlan, toJson } from '../../../src/proxy/rollout/plan-text.ts'

const start = Date.UTC(2026, 0, 31)
const config: RolloutConfig = {
  version: 'v4',
  steps: [1, 10, 50, 100],
  every: 300,
  guard: null,
  workers: null,
  step: 0,
  state: 'running',
  since: null,
  elapsed: 0,
}
const well = new Guard(null).verdict
const verdictOf = (state: Verdict['state']): Verdict => ({
  ...well,
  state,
  requests: { candidate: 20, live: 900, needed: 50 },
})
const outlook = ({ steady }: Moment, change: Partial<Outlook> = {}): Outlook => ({
  steady,
  trouble: null,
  hasFailed: false,
  verdict: well,
  ...change,
})
/** The steady clock began at another time than the epoch. */
const steadily = (wall: number): Moment => ({ wall, steady: wall - start + 5_000 })
const minutes = (count: number): Moment => steadily(start + count * 60_000)

describe('the next move of a rollout', () => {
  test('goes from step to step, each for its time, and ends with the promote', () => {
    let plan = begin(config, minutes(0))
    const moves: string[] = []
    for (let minute = 0; minute <= 20; minute++) {
      const move = nextMove(plan, outlook(minutes(minute)))
      if (move.kind === 'stay') continue
      moves.push(`${minute} ${move.kind}`)
      if (move.kind === 'finish') break
      if (move.kind === 'step') plan = atStep(plan, move.step, minutes(minute))
    }
    expect(moves).toEqual(['5 step', '10 step', '15 finish'])
  })

  test('says that the step is not over', () => {
    expect(nextMove(begin(config, minutes(0)), outlook(minutes(1)))).toEqual({
      kind: 'stay',
      why: 'the step is not over yet',
    })
  })

  test('counts the time in which no supervisor was there', () => {
    const stored = begin({ ...config, since: start, step: 1 }, minutes(90))
    expect(nextMove(stored, outlook(minutes(90)))).toEqual({ kind: 'step', step: 2 })
  })

  test('a pause stops the clock, and what had passed is kept', () => {
    const halted = paused(begin(config, minutes(0)), minutes(3))
    expect(nextMove(halted, outlook(minutes(60)))).toMatchObject({ kind: 'stay', why: 'it is paused' })
    expect(paused(halted, minutes(50))).toBe(halted)
    const going = resumed(halted, minutes(60))
    expect(elapsedOf(going, minutes(61).steady)).toBe(4 * 60_000)
    expect(nextMove(going, outlook(minutes(61)))).toMatchObject({ kind: 'stay', why: 'the step is not over yet' })
    expect(nextMove(going, outlook(minutes(62)))).toEqual({ kind: 'step', step: 1 })
  })

  test('a clock that is set ends no step, and prolongs none', () => {
    const hour = 3_600_000
    const plan = begin(config, minutes(0))
    for (const jump of [-hour, hour]) {
      const later = (count: number): Moment => ({ ...minutes(count), wall: minutes(count).wall + jump })
      expect(nextMove(plan, outlook(later(4.9)))).toMatchObject({ kind: 'stay' })
      expect(nextMove(plan, outlook(later(5)))).toEqual({ kind: 'step', step: 1 })
      const halted = paused(plan, later(3))
      expect(halted).toMatchObject({ elapsed: 180, since: later(3).wall })
      const guarded = edited(plan, { ...config, since: plan.since, guard: 'errors<1%' }, later(3))
      expect(elapsedOf(guarded, minutes(4).steady)).toBe(4 * 60_000)
    }
  })

  test('an edit that writes paused, and later running, stops the clock as the commands do', () => {
    const plan = begin(config, minutes(0))
    const halted = edited(plan, { ...config, since: plan.since, state: 'paused' }, minutes(3))
    expect(halted).toEqual(paused(plan, minutes(3)))
    const going = edited(halted, { ...config, since: halted.since, elapsed: halted.elapsed }, minutes(60))
    expect(going).toEqual(resumed(halted, minutes(60)))
    expect(elapsedOf(going, minutes(61).steady)).toBe(4 * 60_000)
    const another = edited(plan, { ...config, since: plan.since, step: 2 }, minutes(3))
    expect(elapsedOf(another, minutes(4).steady)).toBe(60_000)
    const dated = edited(plan, { ...config, since: minutes(1).wall }, minutes(3))
    expect(elapsedOf(dated, minutes(4).steady)).toBe(3 * 60_000)
  })

  test('stays where no time was given, and at a last step below 100 %', () => {
    expect(nextMove(begin({ ...config, every: null }, minutes(0)), outlook(minutes(900)))).toMatchObject({
      kind: 'stay',
      why: 'no time for the next step was given',
    })
    expect(nextMove(begin({ ...config, steps: [1, 10], step: 1 }, minutes(0)), outlook(minutes(900)))).toMatchObject({
      why: 'there is no further step',
    })
  })

  test('waits for enough requests, and says how many there are', () => {
    expect(nextMove(begin(config, minutes(0)), outlook(minutes(6), { verdict: verdictOf('waiting') }))).toMatchObject({
      kind: 'stay',
      why: 'too few requests to mean something: 20 of 50, the live version 900',
    })
  })

  test('waits for a candidate that serves nothing, and with a guard ends one that has failed', () => {
    const trouble = 'v4 does not run: exit code 1'
    expect(nextMove(begin(config, minutes(0)), outlook(minutes(6), { trouble }))).toMatchObject({
      kind: 'stay',
      why: trouble,
    })
    const failed = outlook(minutes(1), { trouble, hasFailed: true })
    expect(nextMove(begin(config, minutes(0)), failed)).toMatchObject({ kind: 'stay' })
    expect(nextMove(begin({ ...config, guard: 'errors<1%' }, minutes(0)), failed)).toEqual({
      kind: 'abort',
      why: trouble,
    })
  })

  test('an alarm ends it at any time, also while it is paused', () => {
    const alarm = outlook(minutes(1), { verdict: verdictOf('alarm') })
    expect(nextMove(begin(config, minutes(0)), alarm).kind).toBe('abort')
    expect(nextMove(paused(begin(config, minutes(0)), minutes(0)), alarm).kind).toBe('abort')
  })
})

describe('the plan of a rollout', () => {
  test('has workers in proportion to its share, and never fewer than another version', () => {
    const counts = { workerCount: 8, nonDefaultWorkerCount: 2 }
    const at = (share: number, workers: number | null = null) => workersOf({ steps: [share], step: 0, workers }, counts)
    expect([1, 25, 26, 50, 99].map((share) => at(share))).toEqual([2, 2, 3, 4, 8])
    expect(at(1, 5)).toBe(5)
    expect(workersOf({ steps: [10], step: 0, workers: null }, { workerCount: 1, nonDefaultWorkerCount: 3 })).toBe(1)
  })

  test('is the same when it is read from where it was written', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 0, max: 4e12 }),
        fc.boolean(),
        fc.integer({ min: 0, max: 1e7 }),
        (step, since, isPaused, ms) => {
          const running: RolloutPlan = atStep(begin({ ...config, since }, minutes(0)), step, steadily(since))
          const plan = isPaused ? paused(running, steadily(since + ms)) : running
          const json = toJson(plan) as unknown as Record<string, unknown> & { since: string }
          const read = { ...json, since: Date.parse(json.since) } as unknown as RolloutConfig
          expect(isSamePlan(read, plan)).toBe(true)
          expect(isSamePlan({ ...read, step: step + 1 }, plan)).toBe(false)
          expect(shareOf(plan)).toBe((config.steps[step] ?? 0) / 100)
        },
      ),
    )
  })
})
