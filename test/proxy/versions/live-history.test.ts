import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JournalRecord } from '../../../src/proxy/versions/journal.ts'
import {
  applyLiveChange,
  changesLive,
  chooseFormer,
  type FormerLive,
  formerLive,
} from '../../../src/proxy/versions/live-history.ts'

describe('where a rollback goes', () => {
  it('one after the other goes back further, and a promote in between is gone back from as well', () => {
    const gateway = new Model('v1')
    for (const version of ['v2', 'v3', 'v4']) gateway.promote(version)
    expect(gateway.rollBack()).toBe('v3')
    expect(gateway.rollBack()).toBe('v2')
    gateway.promote('v5')
    expect(gateway.rollBack()).toBe('v2')
    expect(gateway.rollBack()).toBe('v1')
    expect(gateway.rollBack()).toBe(null)
    expect(gateway.live).toBe('v1')
  })

  it('a promote of the former version is a change like any other: the way back from it is the one that it replaced', () => {
    const gateway = new Model('v1')
    for (const version of ['v2', 'v1']) gateway.promote(version)
    expect(gateway.rollBack()).toBe('v2')
    expect(gateway.rollBack()).toBe('v1')
  })

  it('a promote of what is live already is no step', () => {
    const gateway = new Model('v1')
    for (const version of ['v2', 'v2', 'v2']) gateway.promote(version)
    expect(gateway.rollBack()).toBe('v1')
  })

  it('several steps at once, and versions that are gone are passed over', () => {
    const gateway = new Model('v1')
    for (const version of ['v2', 'v3', 'v2', 'v4']) gateway.promote(version)
    expect(gateway.choose(3, ['v3'])).toEqual({ target: null, skipped: ['v3'] })
    expect(gateway.choose(2, ['v3'])).toMatchObject({ target: { version: 'v1' }, skipped: ['v3'] })
    expect(gateway.rollBack(2)).toBe('v3')
    expect(gateway.rollBack()).toBe('v2')
  })

  it('when no version is live, the one that was so last is the first to go back to', () => {
    const gateway = new Model('v1')
    gateway.promote('v2')
    gateway.clear()
    expect(gateway.rollBack()).toBe('v2')
    expect(gateway.rollBack()).toBe('v1')
  })

  it('a version whose line was lost is known by that of the next one', () => {
    const stack = [record('promote', 'v2', 'v1'), record('promote', 'v4', 'v3')].reduce(applyLiveChange, [])
    expect(stack.map(({ version }) => version)).toEqual(['v1', 'v2', 'v3', 'v4'])
  })

  it('what failed was never live', () => {
    expect(changesLive({ ...record('promote', 'v2', 'v1'), result: 'failed' })).toBe(false)
    expect(changesLive({ ...record('promote', 'v2', 'v1'), action: 'remove' })).toBe(false)
  })

  it('is where an undo stack would go, for any changes', () => {
    const version = fc.constantFrom('v1', 'v2', 'v3', 'v4')
    const change = fc.oneof(version, fc.constant(null))
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const gateway = new Model('v1')
        let expected = ['v1']
        for (const promoted of changes) {
          if (promoted !== null) {
            if (promoted !== expected.at(-1)) expected.push(promoted)
            gateway.promote(promoted)
          } else {
            const target = expected.length > 1 ? expected.at(-2) : null
            expect(gateway.rollBack()).toBe(target)
            if (target !== null) expected = expected.slice(0, -1)
          }
          expect(gateway.live).toBe(expected.at(-1))
        }
      }),
    )
  })
})

/** What a gateway does with the stack, without a gateway. */
class Model {
  live: string | null
  #stack: readonly FormerLive[]

  constructor(live: string) {
    this.live = live
    this.#stack = applyLiveChange([], record('live-by-edit', live, null))
  }

  promote(version: string): void {
    this.#change(record('promote', version, this.live))
  }

  clear(): void {
    this.#change(record('live-by-edit', null, this.live))
  }

  choose(steps: number, gone: readonly string[] = []): ReturnType<typeof chooseFormer> {
    return chooseFormer(formerLive(this.#stack, this.live), this.live, steps, (version) => !gone.includes(version))
  }

  rollBack(steps = 1): string | null {
    const version = this.choose(steps).target?.version ?? null
    if (version !== null) this.#change(record('rollback', version, this.live))
    return version
  }

  #change(entry: JournalRecord): void {
    this.#stack = applyLiveChange(this.#stack, entry)
    this.live = entry.version
  }
}

function record(action: JournalRecord['action'], version: string | null, previous: string | null): JournalRecord {
  return { at: '2025-01-01T00:00:00.000Z', action, version, previous, by: 'x', result: 'done', durationMs: 1 }
}
