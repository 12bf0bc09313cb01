import { integer, property, record, assert as verify } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countFailures, decideReserve, type ReserveFacts } from '../../../src/supervisor/spares/reserve-policy.ts'

const calm: ReserveFacts = {
  wanted: 1,
  booting: 0,
  ready: 0,
  failures: 0,
  sinceFailure: 0,
  calmFor: 1_000,
  shortFor: 0,
}

describe('the reserve', () => {
  it('is filled one by one', () => {
    expect(decideReserve({ ...calm, wanted: 3 })).toEqual({ action: 'start' })
    expect(decideReserve({ ...calm, wanted: 3, booting: 1 })).toEqual({ action: 'none' })
    expect(decideReserve({ ...calm, wanted: 3, ready: 1 })).toEqual({ action: 'start' })
    expect(decideReserve({ ...calm, wanted: 3, ready: 3 })).toEqual({ action: 'none' })
  })

  it('is made smaller at once', () => {
    expect(decideReserve({ ...calm, wanted: 1, ready: 2, booting: 1 })).toEqual({ action: 'end', count: 2 })
  })

  it('waits while a worker starts, and a moment longer, but not for ever', () => {
    expect(decideReserve({ ...calm, calmFor: 0 })).toEqual({ action: 'wait', delay: 100 })
    expect(decideReserve({ ...calm, calmFor: 60 })).toEqual({ action: 'wait', delay: 40 })
    expect(decideReserve({ ...calm, calmFor: 0, shortFor: 4_990 })).toEqual({ action: 'wait', delay: 10 })
    expect(decideReserve({ ...calm, calmFor: 0, shortFor: 5_000 })).toEqual({ action: 'start' })
  })

  it('tries again ever more seldom, but at least once a minute', () => {
    expect(decideReserve({ ...calm, failures: 1 })).toEqual({ action: 'wait', delay: 250 })
    expect(decideReserve({ ...calm, failures: 3 })).toEqual({ action: 'wait', delay: 1_000 })
    expect(decideReserve({ ...calm, failures: 30 })).toEqual({ action: 'wait', delay: 60_000 })
    expect(decideReserve({ ...calm, failures: 30, sinceFailure: 60_000 })).toEqual({ action: 'start' })
  })

  it('counts failures in a row anew after a spare that was well', () => {
    expect(countFailures(4, null)).toBe(5)
    expect(countFailures(4, 100)).toBe(5)
    expect(countFailures(4, 10_000)).toBe(1)
  })

  it('is never larger than it is to be, and never at rest while it is too small', () => {
    const count = integer({ min: 0, max: 10 })
    const time = integer({ min: 0, max: 100_000 })
    const facts = record({
      wanted: count,
      booting: count,
      ready: count,
      failures: count,
      sinceFailure: time,
      calmFor: time,
      shortFor: time,
    })
    verify(
      property(facts, (given) => {
        const move = decideReserve(given)
        const size = given.booting + given.ready
        if (move.action === 'start') expect(size).toBeLessThan(given.wanted)
        if (move.action === 'end') expect(size - move.count).toBe(given.wanted)
        if (move.action === 'wait') expect(move.delay).toBeGreaterThan(0)
        if (move.action === 'none')
          expect(size === given.wanted || (size < given.wanted && given.booting > 0)).toBe(true)
      }),
    )
  })
})
