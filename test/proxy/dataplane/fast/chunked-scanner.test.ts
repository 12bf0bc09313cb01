import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ChunkedScanner } from '../../../../src/proxy/dataplane/fast/chunked-scanner.ts'

interface Scanned {
  passed: string
  state: 'done' | 'odd' | 'more'
  trailers: readonly string[]
  /** How many bytes belong to the body. */
  taken: number
}

function scan(text: string, cuts: readonly number[] = []): Scanned {
  const scanner = new ChunkedScanner()
  let passed = ''
  const sink = {
    text: (more: string): void => {
      passed += more
    },
    bytes: (buffer: Buffer, start: number, end: number): void => {
      passed += buffer.toString('latin1', start, end)
    },
  }
  let taken = 0
  const ends = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((one, other) => one - other)
  for (const end of [...ends, text.length]) {
    if (scanner.isDone || scanner.isOdd) break
    // In the middle of a larger buffer, as it is in life.
    const buffer = Buffer.from(`junk${text.slice(taken, end)}\n0\r\n\r\n`, 'latin1')
    taken += scanner.scan(buffer, 4, 4 + end - taken, sink, null) - 4
  }
  const state = scanner.isDone ? 'done' : scanner.isOdd ? 'odd' : 'more'
  return { passed, state, trailers: scanner.trailers, taken }
}

/** The other way to read it, for comparison. */
function decode(text: string): string {
  let body = ''
  let rest = text
  while (rest !== '') {
    const [, size = '', after = ''] = /^([0-9a-fA-F]+)\r\n(.*)$/s.exec(rest) ?? []
    const length = Number.parseInt(size, 16)
    if (!(length > 0) || after.slice(length, length + 2) !== '\r\n') throw new Error(`no chunks: ${text}`)
    body += after.slice(0, length)
    rest = after.slice(length + 2)
  }
  return body
}

const data = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 })
const extension = fc.constantFrom('', '', '', ';a', ';a=b', ';a="b c";d')
const chunks = fc.array(fc.tuple(data, extension, fc.nat(3)), { maxLength: 6 })
const trailer = fc.tuple(fc.stringMatching(/^[A-Za-z-]{1,8}$/), fc.stringMatching(/^[!-~]{0,8}$/))
const cuts = fc.array(fc.nat(), { maxLength: 12 })

test('a body arrives whole, its extensions do not, and nothing behind it is touched, wherever it is cut', () => {
  fc.assert(
    fc.property(chunks, fc.array(trailer, { maxLength: 3 }), fc.string(), cuts, (parts, trailers, behind, where) => {
      let text = ''
      for (const [bytes, more, zeros] of parts) {
        text += `${'0'.repeat(zeros)}${bytes.length.toString(16)}${more}\r\n${bytes}\r\n`
      }
      text += `0\r\n${trailers.map((pair) => `${pair.join(':')}\r\n`).join('')}\r\n`
      const result = scan(text + behind, where)
      expect(result.state).toBe('done')
      expect(result.taken).toBe(text.length)
      expect(result.trailers).toEqual(trailers.flat())
      expect(decode(result.passed)).toBe(parts.map(([bytes]) => bytes).join(''))
    }),
    { numRuns: 1_000 },
  )
})

test('what is made of a broken body does not depend on where it is cut', () => {
  fc.assert(
    fc.property(
      chunks,
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      fc.nat(2),
      cuts,
      (parts, at, byte, removed, where) => {
        let text = ''
        for (const [bytes, more] of parts) text += `${bytes.length.toString(16)}${more}\r\n${bytes}\r\n`
        text += '0\r\nA: b\r\n\r\n'
        const position = at % text.length
        text = text.slice(0, position) + String.fromCharCode(byte) + text.slice(position + removed)
        const whole = scan(text)
        const cut = scan(text, where)
        expect(cut.state).toBe(whole.state)
        expect(cut.trailers).toEqual(whole.trailers)
        if (whole.state === 'done') expect(decode(cut.passed)).toBe(decode(whole.passed))
      },
    ),
    { numRuns: 2_000 },
  )
})

test.each([
  ['no size', '\r\n'],
  ['a size that is none', 'g\r\n'],
  ['a size with a prefix', '0x1\r\na\r\n'],
  ['a signed size', '+1\r\na\r\n'],
  ['a negative size', '-1\r\na\r\n'],
  ['a space in front of the size', ' 1\r\na\r\n'],
  ['a space behind the size', '1 \r\na\r\n'],
  ['a space in front of an extension', '1 ;a\r\na\r\n'],
  ['an extension without a name', '1;\r\na\r\n'],
  ['a size that is too large', 'fffffffffffffffff\r\n'],
  ['a size beyond what is exact', 'ffffffffffffffff\r\n'],
  ['a bare LF behind the size', '1\na\r\n'],
  ['a bare CR behind the size', '1\ra\r\n'],
  ['a bare LF in an extension', '1;a\n\r\na\r\n'],
  ['a bare CR in an extension', '1;a\rb\r\na\r\n'],
  ['a control character in an extension', '1;\0\r\na\r\n'],
  ['an endless extension', `1;${'a'.repeat(2_000)}`],
  ['data that is too long', '1\r\nab\r\n'],
  ['a bare LF behind the data', '1\r\na\n'],
  ['a trailer that is a length', '0\r\nContent-LENGTH: 1\r\n\r\n'],
  ['a trailer that is a coding', '0\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['a trailer without a colon', '0\r\nA\r\n\r\n'],
  ['a trailer with a bare LF', '0\r\nA: b\n\r\n'],
  ['a folded trailer', '0\r\nA: b\r\n c\r\n\r\n'],
  ['a bare LF at the end', '0\r\n\n'],
  ['endless trailers', `0\r\n${'A: b\r\n'.repeat(2_000)}`],
])('%s is odd, and passes on nothing behind it', (_name, text) => {
  const where = Array.from({ length: Math.min(60, text.length) }, (_, index) => index)
  for (const result of [scan(`1\r\nx\r\n${text}GET / HTTP/1.1`), scan(`1\r\nx\r\n${text}GET / HTTP/1.1`, where)]) {
    expect(result.state).toBe('odd')
    expect(result.passed).not.toContain('GET')
  }
})
