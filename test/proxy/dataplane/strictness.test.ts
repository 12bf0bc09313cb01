import { afterAll, expect, test } from 'vitest'
import { startRecordingWorker } from './fast/recording-worker.ts'
import { startGateway } from './harness.ts'
import { conflictCases } from './strictness/conflict-cases.ts'
import { fieldCases } from './strictness/field-cases.ts'
import { framingCases } from './strictness/framing-cases.ts'
import { type Cut, echo, isUnharmed, knock } from './strictness/front-door.ts'
import { furtherCases } from './strictness/further-cases.ts'
import { requestLineCases } from './strictness/request-line-cases.ts'
import type { StrictCase } from './strictness/strict-case.ts'

/** Those that `Strictness: … of …` counts. */
const scored = new Set([...requestLineCases, ...fieldCases, ...framingCases, ...conflictCases])
const cases = [...scored, ...furtherCases]
const lanes = ['both', 'general'] as const
const cuts: readonly Cut[] = ['whole', 'pieces', 'bytes']
/** Longer ones are not sent byte by byte. */
const longest = 2_000
const score = { both: 0, general: 0 }

for (const lane of lanes) {
  test.each(cases.map((one) => [one.section, one.name, one] as const))(
    `%s: %s (lanes: ${lane})`,
    async (_section, _name, one) => {
      // At once, each before a gateway of its own: some are answered only when a time limit has passed.
      const sent = cuts.filter((cut) => cut !== 'bytes' || one.bytes.length <= longest)
      const areAllowed = await Promise.all(sent.map((cut) => isAllowed(one, cut, lane)))
      if (areAllowed.every(Boolean) && scored.has(one)) score[lane]++
    },
  )
}

afterAll(() => {
  process.stdout.write(
    `Strictness: ${score.both} of ${scored.size} in both lanes, ${score.general} in the general lane\n`,
  )
})

/** Whether what comes of it is allowed at all; what comes of bytes that are sent whole must be the first that is. */
async function isAllowed(one: StrictCase, cut: Cut, lane: 'both' | 'general'): Promise<boolean> {
  const worker = await startRecordingWorker(echo)
  const gateway = await startGateway({ v1: [worker.target] }, {}, lane)
  const { outcome, faults } = await knock(gateway, worker, one, cut)
  // Where the bytes come in pieces, some are refused before it can be told what they were to become.
  const expected = cut === 'whole' && !one.isCutOff ? one.allowed.slice(0, 1) : one.allowed
  expect({ cut, outcome, faults }).toEqual({ cut, outcome: expect.toBeOneOf([...expected]), faults: [] })
  expect(await isUnharmed(gateway)).toBe(true)
  return one.allowed.includes(outcome) && faults.length === 0
}
