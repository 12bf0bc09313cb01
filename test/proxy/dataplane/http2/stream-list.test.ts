import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Placed, StreamList } from '../../../../src/proxy/dataplane/http2/stream-list.ts'

test('it holds what a set would, whatever comes and goes, in whatever order', () => {
  const step = fc.record({ adds: fc.boolean(), which: fc.nat(9) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const streams = Array.from({ length: 10 }, (): Placed => ({ place: -1 }))
      const list = new StreamList<Placed>()
      const set = new Set<Placed>()
      for (const { adds, which } of steps) {
        const stream = streams[which] as Placed
        if (!adds) {
          list.delete(stream)
          set.delete(stream)
        } else if (!set.has(stream)) {
          list.add(stream)
          set.add(stream)
        }
        expect([list.size, list.all().length]).toEqual([set.size, set.size])
        for (const one of set) expect(list.all().includes(one)).toBe(true)
      }
    }),
  )
})
