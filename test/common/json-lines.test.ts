import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonLines, toJsonLine } from '../../src/common/json-lines.cts'

test('lines come out whole, in whatever pieces they arrive', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (values, sizes) => {
      const bytes = Buffer.from(values.map(toJsonLine).join(''))
      const lines = new JsonLines()
      const received: unknown[] = []
      for (let start = 0; start < bytes.length; ) {
        const end = start + (sizes.next().value ?? 1)
        received.push(...lines.push(bytes.subarray(start, end)))
        start = end
      }
      expect(received).toEqual(JSON.parse(JSON.stringify(values)))
    }),
  )
})

test('a line over the limit is refused before it fills the memory', () => {
  const lines = new JsonLines(10)
  expect(() => lines.push(Buffer.alloc(11, 'x'))).toThrow(RangeError)
})

test('what is not JSON is refused', () => {
  expect(() => new JsonLines().push(Buffer.from('{"a":\n'))).toThrow(SyntaxError)
})
