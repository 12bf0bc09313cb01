import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyReader } from '../../../src/cli/console/read-keys.ts'

type Read = ReturnType<KeyReader['read']>

function read(...chunks: string[]): Read {
  const reader = new KeyReader()
  return chunks.flatMap((chunk) => reader.read(chunk))
}

function describe(keys: Read): string[] {
  return keys.map((key) =>
    key.kind === 'enter' ? 'enter' : key.kind === 'text' ? `"${key.text}"` : JSON.stringify(key.sequence),
  )
}

/** What the line editor gets to see, however it is cut: text, the ends of lines, keys. */
function seen(keys: Read): string {
  return keys.map((key) => (key.kind === 'enter' ? '<enter>' : key.kind === 'text' ? key.text : key.sequence)).join('')
}

test('text comes in runs, keys one by one, and a tab is a key only at the end of what came', () => {
  expect(describe(read('he\t'))).toEqual(['"he"', '"\\t"'])
  expect(describe(read('a\tb'))).toEqual(['"a"', '" "', '"b"'])
  expect(describe(read('\x1b[A\x1bOP\x1b[[A\x7f\x03'))).toEqual([
    '"\\u001b[A"',
    '"\\u001bOP"',
    '"\\u001b[[A"',
    '"\x7f"',
    '"\\u0003"',
  ])
})

test('what is pasted is text only, whatever is in it', () => {
  const pasted = '\x1b[200~one\ttwo\x03\x1b[A\r\nthree\x1b\x1b[201~\x03'
  expect(describe(read(pasted))).toEqual(['"one"', '" "', '"two"', 'enter', '"three"', '"\\u0003"'])
})

test('lines that came in one go belong together, those that were typed do not', () => {
  const together = (keys: Read) => keys.filter(({ kind }) => kind === 'enter').map(({ isTogether }) => isTogether)
  expect(together(read('a\nb\nc\n'))).toEqual([false, true, true])
  expect(together(read('a\n', 'b\n'))).toEqual([false, false])
  expect(together(read('a\nb', '\r'))).toEqual([false, true])
  expect(together(read('a', '\r', 'b', '\r'))).toEqual([false, false])
  expect(together(read('\x1b[200~a\n', 'b\n', 'c\x1b[201~', '\r', 'd\r'))).toEqual([false, true, true, false])
  expect(together(read(`${'a\n'.repeat(600)}`, 'a\n')).at(-1)).toBe(true)
})

test('keys are the same wherever the terminal cuts what it sends', () => {
  const piece = fc.constantFrom(
    'a',
    'é',
    '😀',
    'word',
    ' ',
    '\r',
    '\x1b[A',
    '\x1b[1;5C',
    '\x1bOP',
    '\x03',
    '\x7f',
    '\x1b[200~p\nq\x1b[201~',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat(200), { maxLength: 10 }), (pieces, cuts) => {
      const text = pieces.join('')
      const characters = Array.from(text)
      const places = [...new Set(cuts.map((cut) => cut % (characters.length + 1)))].sort((a, b) => a - b)
      const chunks = [0, ...places].map((start, index) => characters.slice(start, places[index]).join(''))
      // A mark of a paste is no key: the editor ignores the pieces in which it may come.
      const plain = (keys: Read) => seen(keys).replaceAll('\x1b[200~', '').replaceAll('\x1b[201~', '')
      expect(plain(read(...chunks.filter((chunk) => chunk !== '')))).toBe(plain(read(text)))
    }),
  )
})
