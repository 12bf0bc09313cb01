import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Reader, type ReadMemory } from '../../../../src/proxy/dataplane/fast/read-memory.ts'

/** What somebody keeps: what was in there when it was read. */
interface Kept {
  readonly memory: ReadMemory
  readonly fill: number
}

const readerCount = 12
const step = fc.record({
  reader: fc.integer({ min: 0, max: readerCount - 1 }),
  isFull: fc.boolean(),
  readsOn: fc.boolean(),
  ends: fc.boolean(),
  keep: fc.boolean(),
  /** Which of those that are kept are released before the read: the first so many. */
  release: fc.integer({ min: 0, max: 3 }),
})

test('nobody reads into memory that somebody keeps, or that another one reads into', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 300 }), (steps) => {
      const readers = Array.from({ length: readerCount }, () => new Reader())
      const kept: Kept[] = []
      let fill = 0
      for (const { reader: index, isFull, readsOn, ends, keep, release } of steps) {
        for (const { memory, fill: expected } of kept.splice(0, release)) {
          if (memory.bytes[0] !== expected) throw new Error('what was kept is gone')
          memory.release()
        }
        const reader = readers[index] as Reader
        const { memory } = reader
        fill = (fill + 1) % 256
        memory.bytes[0] = fill
        if (keep && !memory.isCommon) {
          memory.keep()
          kept.push({ memory, fill })
        }
        reader.advance(isFull ? memory.bytes.length : 1, readsOn)
        if (ends) reader.end()
        const own = new Set(readers.map((other) => other.memory).filter(({ isCommon }) => !isCommon))
        if (own.size < readers.filter((other) => !other.memory.isCommon).length) throw new Error('two read into one')
        if (kept.some(({ memory: needed }) => own.has(needed))) throw new Error('one reads into what is kept')
      }
      for (const { memory } of kept) memory.release()
      for (const reader of readers) reader.end()
    }),
    { numRuns: 30 },
  )
})

test('a socket has memory of its own while much comes, one message after another, and no longer', () => {
  const reader = new Reader()
  const { memory: common } = reader
  expect(common.isCommon).toBe(true)
  reader.advance(common.bytes.length - 1, true)
  expect(reader.memory).toBe(common)
  reader.advance(common.bytes.length, false)
  expect(reader.memory).toBe(common)
  reader.advance(common.bytes.length, true)
  const { memory: own } = reader
  expect(own).not.toBe(common)
  reader.advance(own.bytes.length, true)
  expect(reader.memory).toBe(own)
  reader.advance(1, true) // the end of a large one
  expect(reader.memory).toBe(own)
  reader.advance(common.bytes.length + 1, true) // another large one, all of it
  expect(reader.memory).toBe(own)
  reader.advance(common.bytes.length, true)
  expect(reader.memory).toBe(common)
})

test('however many sockets wait for more, few of them have memory of their own', () => {
  const readers = Array.from({ length: 10_000 }, () => new Reader())
  for (const reader of readers) reader.advance(reader.memory.bytes.length, true)
  const own = readers.map(({ memory }) => memory).filter(({ isCommon }) => !isCommon)
  expect(own.length).toBeGreaterThan(10)
  expect(own.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(40_000_000)
  for (const { memory } of readers) if (!memory.isCommon) memory.keep()
  for (const reader of readers) reader.end()
  // They are still to be written.
  const late = new Reader()
  late.advance(late.memory.bytes.length, true)
  expect(late.memory.isCommon).toBe(true)
  for (const memory of own) memory.release()
  const next = new Reader()
  next.advance(next.memory.bytes.length, true)
  expect(next.memory.isCommon).toBe(false)
  next.end()
})
