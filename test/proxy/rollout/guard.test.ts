import { describe, expect, test } from 'vitest'
import { explainAlarm, Guard } from '../../../src/proxy/rollout/guard.ts'
import { bucketOf, lowerEdge, upperEdge } from '../../../src/proxy/routing/time-buckets.ts'

describe('buckets of times', () => {
  test('a time is in the bucket whose edges hold it, and a bucket is a tenth wide at most', () => {
    for (const time of [0, 0.01, 0.05, 0.07, 1, 3.3, 100, 12_345, 3_000_000, 1e12]) {
      const bucket = bucketOf(time)
      expect(lowerEdge(bucket)).toBeLessThanOrEqual(time)
      expect(upperEdge(bucket)).toBeGreaterThanOrEqual(time)
      expect(Number.isInteger(bucket)).toBe(true)
    }
    expect(upperEdge(bucketOf(10)) / lowerEdge(bucketOf(10))).toBeLessThan(1.1)
  })
})

describe('the guard', () => {
  test('raises an alarm for a candidate with 5 % of errors where 1 % is the limit, and says with which figures', () => {
    const { guard } = run('errors<1%', 2_000, { candidate: { errors: 0.05 } })
    expect(guard.verdict.state).toBe('alarm')
    expect(explainAlarm(guard.verdict)).toMatch(
      /^errors<1% is broken: [\d.]+ %, the live version 0 % \(\d+ errors in \d+ requests, /,
    )
  })

  test('raises none where the live version has as many errors: taking the candidate back would not help', () => {
    expect(run('errors<1%', 5_000, { candidate: { errors: 0.05 }, live: { errors: 0.05 } }).guard.verdict.state).toBe(
      'well',
    )
  })

  test('raises none for a candidate that is right at the limit', () => {
    expect(run('errors<5%', 5_000, { candidate: { errors: 0.05 } }).guard.verdict.state).toBe('well')
  })

  test('compares errors with a multiple of those of the live version', () => {
    expect(run('errors<2x', 5_000, { candidate: { errors: 0.08 }, live: { errors: 0.02 } }).guard.verdict.state).toBe(
      'alarm',
    )
    expect(run('errors<2x', 5_000, { candidate: { errors: 0.03 }, live: { errors: 0.02 } }).guard.verdict.state).toBe(
      'well',
    )
  })

  test('sees a tail that is longer than 1.5 times that of the live version, and lets one pass that is a little longer', () => {
    expect(run('p99<1.5x', 5_000, { candidate: { slow: 0.05, slowness: 3 } }).guard.verdict.state).toBe('alarm')
    expect(run('p99<1.5x', 5_000, { candidate: { slow: 0.05, slowness: 1.2 } }).guard.verdict.state).toBe('well')
  })

  test('holds times against a limit in milliseconds, if the live version keeps it', () => {
    expect(run('p95<200ms', 2_000, { candidate: { slow: 0.2, slowness: 20 } }).guard.verdict.state).toBe('alarm')
    const both = { slow: 0.2, slowness: 20 }
    expect(run('p95<200ms', 2_000, { candidate: both, live: both }).guard.verdict.state).toBe('well')
  })

  test('waits until there are enough requests of both to mean something', () => {
    expect(run('errors<1%', 99, {}).guard.verdict).toMatchObject({
      state: 'waiting',
      requests: { candidate: 99, needed: 100 },
    })
    expect(run('errors<1%', 100, {}).guard.verdict.state).toBe('well')
    expect(run('errors<0.1%', 900, {}).guard.verdict).toMatchObject({ state: 'waiting', requests: { needed: 1_000 } })
    expect(run('p99<1.5x', 99, {}).guard.verdict.state).toBe('waiting')
    const guard = new Guard('errors<1%')
    for (let index = 0; index < 1_000; index++) guard.add('candidate', { errors: 0, times: [[50, 1]] })
    expect(guard.verdict).toMatchObject({ state: 'waiting', requests: { candidate: 1_000, live: 0 } })
  })

  test('without rules waits for nothing', () => {
    expect(new Guard(null).verdict).toMatchObject({ state: 'well', requests: { needed: 0 } })
  })

  test('keeps the figures that it raised the alarm for', () => {
    const { guard } = run('errors<1%', 500, { candidate: { errors: 1 } })
    const { verdict } = guard
    guard.add('candidate', { errors: 0, times: [[50, 1_000]] })
    expect(guard.verdict).toEqual(verdict)
    expect(verdict.requests.candidate).toBeLessThan(100)
  })

  test('takes a candidate that is no worse for a bad one in one step of a hundred at most, however often it looks', () => {
    let alarms = 0
    const rounds = 300
    for (let round = 0; round < rounds; round++) {
      // Exactly at the limit of an absolute rule, and as slow as the live version.
      const { guard } = run('errors<2%,p99<1x', 1_500, {
        candidate: { errors: 0.02 },
        live: { errors: 0 },
        seed: round,
      })
      if (guard.verdict.state === 'alarm') alarms++
    }
    expect(alarms / rounds).toBeLessThanOrEqual(0.02)
  })
})

interface Behaviour {
  /** Part of the answers. */
  readonly errors?: number
  /** Part of the answers that take `slowness` times as long. */
  readonly slow?: number
  readonly slowness?: number
}

/** Gives so many requests to each of the two, at random but always the same. */
function run(
  rules: string,
  requests: number,
  { candidate = {}, live = {}, seed = 1 }: { candidate?: Behaviour; live?: Behaviour; seed?: number },
): { guard: Guard } {
  const guard = new Guard(rules)
  const random = randomFrom(seed)
  for (let index = 0; index < requests; index++) {
    for (const [of, { errors = 0, slow = 0, slowness = 1 }] of [
      ['live', live],
      ['candidate', candidate],
    ] as const) {
      const time = 10 * (1 + random()) * (random() < slow ? slowness : 1)
      guard.add(of, { errors: random() < errors ? 1 : 0, times: [[bucketOf(time), 1]] })
    }
  }
  return { guard }
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed * 7_919
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
