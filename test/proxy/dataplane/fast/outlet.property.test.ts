import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { Outlet } from '../../../../src/proxy/dataplane/fast/outlet.ts'
import { Reader, ReadMemory } from '../../../../src/proxy/dataplane/fast/read-memory.ts'
import { Turn } from '../../../../src/proxy/dataplane/fast/turn.ts'

const common = new ReadMemory(40_000, true)

const step = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text: fc.string({ unit: 'binary-ascii', maxLength: 20 }) }),
  fc.record({
    kind: fc.constantFrom('bytes' as const, 'bytes of its own' as const),
    fill: fc.integer({ min: 0, max: 255 }),
    length: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constantFrom(16_384, 16_385, 40_000)),
  }),
  fc.constantFrom(
    ...(['flush', 'flush', 'discard', 'end of turn', 'enter', 'leave', 'write'] as const).map((kind) => ({ kind })),
  ),
)

async function socketPair(options = {}): Promise<{ near: Socket; far: Socket }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const accepted = once(server, 'connection')
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const near = connect({ ...options, port, host: '127.0.0.1' })
  const [far] = (await accepted) as [Socket]
  onTestFinished(() => {
    near.destroy()
    far.destroy()
    server.close()
  })
  return { near, far }
}

test('an outlet writes what was flushed, all of it and in order, whether or not the turn gathers', async () => {
  const { near, far } = await socketPair()
  const received: Buffer[] = []
  far.on('data', (chunk: Buffer) => received.push(chunk))
  const turn = new Turn()
  const outlet = new Outlet(near, turn, () => {})
  const reader = new Reader()
  reader.advance(reader.memory.bytes.length, true)
  onTestFinished(() => reader.end())
  let isGathering = false
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      let expected = ''
      let gathered = ''
      let hasLarge = false
      for (const done of steps) {
        if (done.kind === 'text') {
          outlet.text(done.text)
          gathered += done.text
        } else if (done.kind === 'bytes' || done.kind === 'bytes of its own') {
          const memory = done.kind === 'bytes' ? common : reader.memory
          memory.bytes.fill(done.fill)
          outlet.bytes(memory.bytes, 0, done.length, memory)
          gathered += memory.bytes.toString('latin1', 0, done.length)
          hasLarge ||= done.length > 10_000
          if (memory !== common) reader.advance(memory.bytes.length, true)
        } else if (done.kind === 'flush') {
          outlet.flush()
          expected += gathered
          gathered = ''
          hasLarge = false
        } else if (done.kind === 'discard' && !hasLarge) {
          expect(outlet.discard()).toBe(true)
          gathered = ''
        } else if (done.kind === 'end of turn') await new Promise((resolve) => setImmediate(resolve))
        else if (done.kind === 'write') outlet.write()
        else if (done.kind === 'enter' && !isGathering) {
          for (let index = 0; index < 5; index++) turn.enter()
          isGathering = true
        } else if (done.kind === 'leave' && isGathering) {
          for (let index = 0; index < 5; index++) turn.leave()
          isGathering = false
        }
      }
      outlet.text('END')
      outlet.flush()
      expected += `${gathered}END`
      const length = Buffer.byteLength(expected, 'latin1')
      while (received.reduce((sum, chunk) => sum + chunk.length, 0) < length) await once(far, 'data')
      expect(Buffer.concat(received.splice(0)).equals(Buffer.from(expected, 'latin1'))).toBe(true)
      expect(outlet.isEmpty).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('whoever is told to wait is told to go on, however little there was to write, and its memory is free again', async () => {
  // With such a socket there is never enough to write for a 'drain'.
  const { near, far } = await socketPair({ writableHighWaterMark: 100_000_000 })
  far.pause()
  let told = 0
  const outlet = new Outlet(near, new Turn(), () => told++)
  const reader = new Reader()
  onTestFinished(() => reader.end())
  reader.advance(reader.memory.bytes.length, true)
  let given = 0
  do {
    const { memory } = reader
    outlet.bytes(memory.bytes, 0, 20_000, memory)
    given += 20_000
    reader.advance(memory.bytes.length, true)
  } while (outlet.flush() && given < 50_000_000)
  expect(outlet.isBlocked).toBe(true)
  outlet.text('the end')
  outlet.flush()
  expect([told, outlet.isBlocked]).toEqual([0, true])
  let received = 0
  far.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  far.resume()
  while (told === 0) await new Promise((resolve) => setImmediate(resolve))
  expect(outlet.isBlocked).toBe(false)
  while (received < given + 7) await once(far, 'data')
})
