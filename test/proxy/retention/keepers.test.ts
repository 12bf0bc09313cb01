import { expect, test } from 'vitest'
import { keepersOf } from '../../../src/proxy/retention/keepers.ts'

test('what keeps a version, and may not be forced, says how to end it', () => {
  const keepers = keepersOf({
    live: { name: 'v1' },
    warm: { name: null, timeLeft: () => 0 },
    skew: { kept: [] },
    rollout: { candidate: 'v2' },
    mirroring: { status: { version: 'v3', share: 1, answered: 0, failed: 0, dropped: 0 } },
  })
  const hintsOf = (name: string) => keepers.flatMap((keeper) => keeper(name)?.hint ?? [])
  expect(hintsOf('v1')).toEqual([expect.stringMatching(/^Make another version live/)])
  expect(hintsOf('v2')).toEqual([expect.stringMatching(/proxy rollout abort$/)])
  expect(hintsOf('v3')).toEqual([expect.stringMatching(/proxy mirror off$/)])
  expect(hintsOf('v4')).toEqual([])
})
