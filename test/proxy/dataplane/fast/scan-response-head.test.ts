import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ResponseHead, scanResponseHead } from '../../../../src/proxy/dataplane/fast/scan-response-head.ts'
import { framingOf, spliceResponseHead } from '../../../../src/proxy/dataplane/fast/splice-response-head.ts'

const scan = (text: string) => scanResponseHead(Buffer.from(text, 'latin1'), 0, text.length)
const answer = (...lines: string[]): string => ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n')
const sound = (text: string): ResponseHead => {
  const head = scan(text)
  if (typeof head === 'string') throw new Error(`${head}: ${JSON.stringify(text)}`)
  return head
}
const spliced = (text: string, isHead = false): string => {
  const head = sound(text)
  return spliceResponseHead(Buffer.from(text, 'latin1'), head, framingOf(head, isHead), ['X-Request-Id', 'id'])
}

test.each([
  ['both framings', answer('Content-Length: 1', 'Transfer-Encoding: chunked')],
  ['two lengths', answer('Content-Length: 1', 'Content-Length: 1')],
  ['a list of lengths', answer('Content-Length: 1, 1')],
  ['a signed length', answer('Content-Length: +1')],
  ['a length that is none', answer('Content-Length: x')],
  ['two codings', answer('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')],
  ['another coding', answer('Transfer-Encoding: gzip, chunked')],
  ['chunks from HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['a status below 100', 'HTTP/1.1 099 Low\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
  ['HTTP/2', 'HTTP/2 200 OK\r\n\r\n'],
  ['something else', 'SSH-2.0-x\r\n\r\n'],
  ['a bare LF behind the status line', 'HTTP/1.1 200 OK\nA: b\r\n\r\n'],
  ['a bare LF behind a field', 'HTTP/1.1 200 OK\r\nA: b\n\r\n'],
  ['a bare CR in a value', answer('A: b\rc')],
  ['a folded line', answer('A: b', ' c')],
  ['a space in front of a colon', answer('A : b')],
  ['a NUL in a value', answer('A: \0')],
  ['a line without a colon', answer('A')],
])('%s is bad', (_name, text) => {
  expect(scan(text)).toBe('bad')
})

test('a head of more than 16 KiB is bad, whole or not', () => {
  expect(scan(answer(`A: ${'x'.repeat(16_384)}`))).toBe('bad')
  expect(scan(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(16_384)}`)).toBe('bad')
})

test('lines keep case, order and repetitions; hop-by-hop ones are cut', () => {
  const text = answer(
    'X-One: 1',
    'Connection: keep-alive',
    'Keep-Alive: timeout=7',
    'set-cookie: a\xe4',
    'Set-Cookie: b',
    'X-REQUEST-ID: forged',
    'Proxy-Authenticate: Basic',
    'Content-Length: 3',
    'Trailer: x',
    'Date: today',
  )
  expect(sound(text)).toMatchObject({ persists: true, keepsFor: 7, contentLength: 3 })
  expect(spliced(text)).toBe(
    answer('X-One: 1', 'set-cookie: a\xe4', 'Set-Cookie: b', 'Content-Length: 3', 'Date: today', 'X-Request-Id: id'),
  )
})

test('fields that Connection names are cut', () => {
  const text = answer('Connection: X-Hop', 'X-Hop: 1', 'X-Two: 2', 'Content-Length: 0', 'Date: today')
  expect(sound(text).persists).toBe(false)
  expect(spliced(text)).toBe(answer('X-Two: 2', 'Content-Length: 0', 'Date: today', 'X-Request-Id: id'))
})

test('an answer without a length goes to the client in chunks, and one without a date gets one', () => {
  expect(spliced(answer())).toMatch(/\r\nTransfer-Encoding: chunked\r\nDate: \w{3}, .* GMT\r\n\r\n$/)
  expect(spliced(answer('Transfer-Encoding: chunked'))).toMatch(/OK\r\nTransfer-Encoding: chunked\r\nX-Request-Id/)
  expect(spliced(answer('Transfer-Encoding: chunked'), true)).not.toMatch(/Transfer-Encoding/)
  expect(spliced('HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n')).not.toMatch(/Content-Length|Transfer-Encoding/)
  expect(spliced('HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n')).toMatch(/Content-Length: 9/)
})

test('the status line is written anew: version 1.1, and no reason with control characters', () => {
  expect(spliced('HTTP/1.0 200\r\nDate: x\r\n\r\n')).toMatch(/^HTTP\/1.1 200 \r\n/)
  expect(spliced('HTTP/1.1 200 \x1b\0\r\nDate: x\r\n\r\n')).toMatch(/^HTTP\/1.1 200 \r\n/)
  expect(spliced('HTTP/1.1 299 So \xe4 la\r\nDate: x\r\n\r\n')).toMatch(/^HTTP\/1.1 299 So \xe4 la\r\n/)
})

const line = fc.oneof(
  fc
    .tuple(fc.stringMatching(/^[a-zA-Z-]{1,12}$/), fc.stringMatching(/^[\x20-\x7e]{0,20}$/))
    .map((pair) => pair.join(': ')),
  fc.constantFrom('Content-Length: 3', 'Transfer-Encoding: chunked', 'Connection: close', 'Keep-Alive: timeout=3'),
)

test('a head that is cut anywhere is never taken as whole, and never bad if the whole is sound', () => {
  const heads = fc.tuple(fc.array(line, { maxLength: 5 }), fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean())
  fc.assert(
    fc.property(heads, ([lines, position, byte, isChanged]) => {
      let text = answer(...lines)
      const at = position % text.length
      if (isChanged) text = text.slice(0, at) + String.fromCharCode(byte) + text.slice(at + 1)
      const whole = scan(text)
      if (typeof whole === 'string') return
      for (let length = 0; length < whole.end; length++) expect(scan(text.slice(0, length))).toBe('more')
    }),
    { numRuns: 300 },
  )
})
