import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCommandLine, toCommandLine } from '../../../src/supervisor/control/command-line.ts'

const values = (line: string) => parseCommandLine(line).map((word) => word.value)
const texts = (line: string) => parseCommandLine(line).map((word) => word.text)

test('words are separated by runs of white space', () => {
  expect(values('  restart   all\t\n')).toEqual(['restart', 'all'])
  expect(values('')).toEqual([])
})

test('a word that is JSON has its value, quoted or not, and keeps its text', () => {
  expect(values('a 1 1.5 true null {"x":1} [1,2] "0"')).toEqual(['a', 1, 1.5, true, null, { x: 1 }, [1, 2], 0])
  expect(texts('proxy version 7 "007" 1e5 12345678901234567890')).toEqual([
    'proxy',
    'version',
    '7',
    '007',
    '1e5',
    '12345678901234567890',
  ])
})

test('quotes hold a word together, and a quote in the middle of a word is a letter', () => {
  expect(values('start "my server.js" "" a"b c\\"d')).toEqual(['start', 'my server.js', '', 'a"b', 'c"d'])
  expect(values('say "he said \\"hi\\""')).toEqual(['say', 'he said "hi"'])
})

test('a bracket in a string does not end an object', () => {
  expect(values('start w.js {"a":"}","b":["]{"]} next')).toEqual(['start', 'w.js', { a: '}', b: [']{'] }, 'next'])
  expect(values('start w.js {"a":"x\\"} y"}')).toEqual(['start', 'w.js', { a: 'x"} y' }])
})

test('an object may have its quotes escaped, or stand in quotes', () => {
  expect(values('start w.js {\\"count\\":2}')).toEqual(['start', 'w.js', { count: 2 }])
  expect(values('start w.js "{\\"count\\":2}"')).toEqual(['start', 'w.js', { count: 2 }])
})

test.each(['say "open', 'start {"a":1', 'start [1,2', '"'])('%s is refused', (line) => {
  expect(() => parseCommandLine(line)).toThrowError(expect.objectContaining({ code: 'BAD_USAGE' }))
})

test('any words survive being written as a line', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('"', '\\', ' ', '{', '}', '[', 'a', '7', '\n') }),
    fc.json(),
  )
  fc.assert(
    fc.property(fc.array(word), (words) => {
      expect(texts(toCommandLine(words))).toEqual(words)
    }),
  )
})

test('the text of any line is a fixed point: writing it again changes no word and no value', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('"', '\\', ' ', '{', '}', ':', 'a', '7') }), (line) => {
      let words: ReturnType<typeof parseCommandLine>
      try {
        words = parseCommandLine(line)
      } catch {
        return
      }
      expect(parseCommandLine(toCommandLine(words.map((word) => word.text)))).toEqual(words)
    }),
  )
})

test('whatever comes in, the answer is words or BAD_USAGE', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (line) => {
      try {
        parseCommandLine(line)
      } catch (error) {
        expect(error).toMatchObject({ code: 'BAD_USAGE' })
      }
    }),
  )
})
