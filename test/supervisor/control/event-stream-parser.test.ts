import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventStreamParser, type StreamedEvent } from '../../../src/supervisor/control/event-stream-parser.ts'

function parse(...chunks: Buffer[]): StreamedEvent[] {
  const events: StreamedEvent[] = []
  const parser = new EventStreamParser((event) => events.push(event))
  for (const chunk of chunks) parser.push(chunk)
  return events
}

test('an event has its id, its type and its lines of data; comments and unknown fields are passed over', () => {
  const text = ': hello\n\nid: 7\nevent: progress\ndata: a\ndata:b\nretry: 5\n\ndata\n\nid: 8\n\ndata: unfinished'
  expect(parse(Buffer.from(text))).toEqual([
    { id: '7', type: 'progress', data: 'a\nb' },
    { id: '7', type: 'message', data: '' },
  ])
})

test('however a stream is cut, and whatever ends its lines, the events are the same', () => {
  const event = fc.record({
    id: fc.stringMatching(/^[a-z0-9-]+$/),
    type: fc.constantFrom('started', 'progress'),
    data: fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  })
  fc.assert(
    fc.property(
      fc.array(event),
      fc.constantFrom('\n', '\r\n'),
      fc.infiniteStream(fc.integer({ min: 1, max: 7 })),
      (events, end, sizes) => {
        const text = events
          .map(({ id, type, data }) => [`id: ${id}`, `event: ${type}`, `data: ${data}`, '', ''].join(end))
          .join('')
        let rest = Buffer.from(text)
        const chunks: Buffer[] = []
        while (rest.length > 0) {
          const size = sizes.next().value
          chunks.push(rest.subarray(0, size))
          rest = rest.subarray(size)
        }
        // Lone surrogates are no UTF-8: JSON.stringify has escaped them.
        expect(parse(...chunks)).toEqual(events)
      },
    ),
  )
})

test('an event without an end is given up', () => {
  const parser = new EventStreamParser(() => {})
  expect(() => {
    for (let count = 0; count < 20; count++) parser.push(Buffer.from(`data: ${'x'.repeat(100_000)}\n`))
  }).toThrow('too large')
})
