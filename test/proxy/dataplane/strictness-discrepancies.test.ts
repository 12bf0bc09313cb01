import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type RecordingWorker, startRecordingWorker } from './fast/recording-worker.ts'
import { startGateway } from './harness.ts'
import { conflictCases } from './strictness/conflict-cases.ts'
import { discrepancies } from './strictness/discrepancies.ts'
import { fieldCases } from './strictness/field-cases.ts'
import { framingCases } from './strictness/framing-cases.ts'
import { type Cut, echo, isUnharmed, statusesOf, throwAt } from './strictness/front-door.ts'
import { furtherCases } from './strictness/further-cases.ts'
import { requestLineCases } from './strictness/request-line-cases.ts'

const lanes = ['both', 'general'] as const
const cuts: readonly Cut[] = ['whole', 'pieces', 'bytes']

for (const lane of lanes) {
  test.each(discrepancies)(`nothing ill-formed is forwarded of %s (lanes: ${lane})`, async (_kind, bytes) => {
    const worker = await startRecordingWorker(echo)
    const gateway = await startGateway({ v1: [worker.target] }, {}, lane)
    for (const cut of cuts) await attack(gateway, worker, bytes, cut)
    // As many of them are known, without a Host: nor does what is wrong about them pass so.
    await attack(gateway, worker, bytes.replace('Host: example.test\r\n', ''), 'whole')
    expect(await isUnharmed(gateway)).toBe(true)
  })
}

const all = [
  ...[...requestLineCases, ...fieldCases, ...framingCases, ...conflictCases, ...furtherCases].map(({ bytes }) => bytes),
  ...discrepancies.map(([, bytes]) => bytes),
].filter((bytes) => bytes.length < 1_000)
const odd = [
  '\r',
  '\n',
  '\0',
  '\t',
  ' ',
  ',',
  ';',
  ':',
  '"',
  '0',
  '\x0b',
  '\x85',
  '\xa0',
  '\r\n',
  '\r\n ',
  'chunked',
  '+',
]

test.each(lanes)(
  'nor is anything ill-formed forwarded of what differs from these in a few bytes (lanes: %s)',
  async (lane) => {
    const worker = await startRecordingWorker(echo)
    const gateway = await startGateway({ v1: [worker.target] }, {}, lane)
    const change = fc.tuple(fc.nat(1_000), fc.nat(3), fc.constantFrom(...odd))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...all),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        fc.constantFrom<Cut>('whole', 'pieces'),
        async (bytes, changes, cut) => {
          let changed = bytes
          for (const [at, removed, added] of changes) {
            const start = at % (changed.length + 1)
            changed = changed.slice(0, start) + added + changed.slice(start + removed)
          }
          await throwAt(gateway, changed, cut)
          expect(worker.faults).toEqual([])
        },
      ),
      { numRuns: Number(process.env.LANE_RUNS ?? 300), interruptAfterTimeLimit: 90_000 },
    )
    expect(await isUnharmed(gateway)).toBe(true)
  },
  120_000,
)

async function attack(gateway: { port: number }, worker: RecordingWorker, bytes: string, cut: Cut): Promise<void> {
  const before = worker.requests.length
  const text = await throwAt(gateway, bytes, cut)
  expect(worker.faults).toEqual([])
  const lines = worker.requests.slice(before).map(({ line }) => line)
  expect(lines.filter((line) => line.includes('smuggled'))).toEqual([])
  expect(statusesOf(text).filter((status) => status < 300).length).toBe(lines.length)
}
