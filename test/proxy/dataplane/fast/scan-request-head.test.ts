import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type RequestHead, scanRequestHead } from '../../../../src/proxy/dataplane/fast/scan-request-head.ts'
import { spliceRequestHead } from '../../../../src/proxy/dataplane/fast/splice-request-head.ts'

const scan = (text: string, start = 0) =>
  scanRequestHead(Buffer.from(text, 'latin1'), start, Buffer.byteLength(text, 'latin1'), 'x-version')
const lines = (...all: string[]): string => [...all, '', ''].join('\r\n')
const withLines = (...all: string[]): string => lines('GET /a HTTP/1.1', 'Host: h', ...all)
const accepted = (text: string): RequestHead => {
  const head = scan(text)
  if (typeof head === 'string') throw new Error(`${head}: ${JSON.stringify(text)}`)
  return head
}
const spliced = (text: string): string => spliceRequestHead(text, accepted(text), 'Own: 1\r\n')

test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is accepted', (method) => {
  expect(accepted(lines(`${method} /a?b=c HTTP/1.1`, 'Host: h:80'))).toMatchObject({ method, contentLength: -1 })
})

test.each([
  ['another method', lines('BREW / HTTP/1.1', 'Host: h')],
  ['a method in lower case', lines('get / HTTP/1.1', 'Host: h')],
  ['an empty line in front', `\r\n${withLines()}`],
  ['two spaces in the request line', lines('GET  / HTTP/1.1', 'Host: h')],
  ['a space behind the version', lines('GET / HTTP/1.1 ', 'Host: h')],
  ['HTTP/1.0', lines('GET / HTTP/1.0', 'Host: h')],
  ['HTTP/1.2', lines('GET / HTTP/1.2', 'Host: h')],
  ['http/1.1 in lower case', lines('GET / http/1.1', 'Host: h')],
  ['HTTP/0.9', lines('GET /')],
  ['an absolute target', lines('GET http://h/ HTTP/1.1', 'Host: h')],
  ['an asterisk', lines('OPTIONS * HTTP/1.1', 'Host: h')],
  ['a fragment', lines('GET /#a HTTP/1.1', 'Host: h')],
  ['a tab in the target', lines('GET /\ta HTTP/1.1', 'Host: h')],
  ['a high byte in the target', lines('GET /\xe4 HTTP/1.1', 'Host: h')],
  ['a NUL in the target', lines('GET /\0 HTTP/1.1', 'Host: h')],
  ['no Host', lines('GET / HTTP/1.1', 'A: b')],
  ['two Hosts', withLines('Host: h')],
  ['two Hosts in different case', withLines('hOST: i')],
  ['a bare LF behind the request line', 'GET / HTTP/1.1\nHost: h\r\n\r\n'],
  ['a bare LF behind a field', 'GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n'],
  ['a bare LF at the end', 'GET / HTTP/1.1\r\nHost: h\r\n\n'],
  ['a bare CR in a value', withLines('A: b\rc')],
  ['a bare CR in front of a name', withLines('\rA: b')],
  ['a space in front of the colon', withLines('A : b')],
  ['a folded line', withLines('A: b', ' c')],
  ['a folded line with a tab', withLines('A: b', '\tc')],
  ['a space in front of the first field', lines('GET / HTTP/1.1', ' Host: h')],
  ['an empty name', withLines(': b')],
  ['a line without a colon', withLines('A')],
  ['a name with a control character', withLines('A\x01: b')],
  ['a name with a high byte', withLines('\xe4: b')],
  ['a name in quotes', withLines('"A": b')],
  ['a NUL in a value', withLines('A: \0')],
  ['a DEL in a value', withLines('A: \x7f')],
  ['obs-text in a value', withLines('A: \xe4')],
  ['two version headers', withLines('x-version: a', 'X-Version: a')],
  ['two lengths', withLines('Content-Length: 1', 'Content-Length: 1')],
  ['a length with a zero in front', withLines('Content-Length: 01')],
  ['chunked in capitals', withLines('Transfer-Encoding: Chunked')],
  ['a limit of forwards', withLines('Max-Forwards: 1')],
  ['a list of lengths', withLines('Content-Length: 1, 1')],
  ['a signed length', withLines('Content-Length: +1')],
  ['a negative length', withLines('Content-Length: -1')],
  ['a length in hex', withLines('Content-Length: 0x1')],
  ['a length with leading zeros', withLines('Content-Length: 01')],
  ['an empty length', withLines('Content-Length:')],
  ['a length beyond reason', withLines('Content-Length: 9999999999999999')],
  ['a length behind a tab', withLines('Content-Length:\t1')],
  ['a length in front of a space', withLines('Content-Length: 1 ')],
  ['a coding behind a tab', withLines('Transfer-Encoding:\tchunked')],
  ['a coding behind a space and a tab', withLines('Transfer-Encoding: \tchunked')],
  ['a coding behind two spaces', withLines('Transfer-Encoding:  chunked')],
  ['a coding in front of a tab', withLines('Transfer-Encoding: chunked\t')],
  ['both framings', withLines('Content-Length: 1', 'Transfer-Encoding: chunked')],
  ['both framings, the other way round', withLines('Transfer-Encoding: chunked', 'Content-Length: 1')],
  ['two codings', withLines('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')],
  ['a list of codings', withLines('Transfer-Encoding: gzip, chunked')],
  ['an unknown coding', withLines('Transfer-Encoding: xchunked')],
  ['a coding with a control character', withLines('Transfer-Encoding: \vchunked')],
  ['an empty coding', withLines('Transfer-Encoding:')],
  ['an upgrade', withLines('Upgrade: websocket')],
  ['an expectation', withLines('Expect: 100-continue')],
  ['trailers', withLines('Trailer: a')],
  ['TE', withLines('TE: trailers')],
  ['HTTP2-Settings', withLines('HTTP2-Settings: a')],
  ['Proxy-Connection', withLines('Proxy-Connection: keep-alive')],
  ['Proxy-Anything', withLines('Proxy-Anything: a')],
  ['a Connection that names a field', withLines('Connection: keep-alive, x')],
  ['an empty Connection', withLines('Connection:')],
  ['two Connections', withLines('Connection: close', 'Connection: close')],
  ['two request ids', withLines('X-Request-Id: a', 'X-Request-Id: b')],
])('%s is declined', (_name, text) => {
  expect(scan(text)).toBe('decline')
})

test('a head of more than 16 KiB is declined, whole or not', () => {
  expect(scan(withLines(`A: ${'x'.repeat(16_384)}`))).toBe('decline')
  expect(scan(`GET /${'x'.repeat(16_384)}`)).toBe('decline')
  expect(accepted(withLines(`A: ${'x'.repeat(16_000)}`)).contentLength).toBe(-1)
})

test('what concerns the connection, or where the request came from, is cut; all else stays as it is', () => {
  const text = withLines(
    'Connection: Keep-Alive',
    'x-aB:1  ',
    'Keep-Alive: timeout=5',
    'X-Forwarded-For: 1',
    'Forwarded: for=1',
    'x_forwarded_host: 1',
    'X-Request-ID: abc',
    'X-AB:\t2',
    'x-forwarded-: 3',
    'X-Forward: 4',
    'x_own: 5',
  )
  expect(spliced(text)).toBe(
    'GET /a HTTP/1.1\r\nHost: h\r\nx-aB:1  \r\nX-AB:\t2\r\nX-Forward: 4\r\nx_own: 5\r\nOwn: 1\r\n\r\n',
  )
})

test('what the gateway needs to know is found, in any case and without the space around it', () => {
  const text = withLines('X-VERSION: \t v1 \t', 'CONNECTION: ClOsE', 'content-length: 12', 'x-request-id: id')
  const head = accepted(text)
  expect(text.slice(head.versionStart, head.versionEnd)).toBe('v1')
  expect(text.slice(head.hostStart, head.hostEnd)).toBe('h')
  expect(text.slice(head.requestIdStart, head.requestIdEnd)).toBe('id')
  expect(head).toMatchObject({ closes: true, contentLength: 12, isChunked: false, end: text.length })
})

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/)
const value = fc.stringMatching(/^[\x20-\x7e\t]{0,20}$/)
const field = fc.oneof(
  fc.tuple(token, value).map(([name, text]) => `${name}: ${text}`),
  fc.constantFrom(
    'Content-Length: 3',
    'Transfer-Encoding: chunked',
    'Connection: close',
    'Upgrade: x',
    'x-version: v1',
    'Host: i',
  ),
)
const head = fc
  .tuple(fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'BREW'), fc.array(field, { maxLength: 6 }))
  .map(([method, fields]) => lines(`${method} /x HTTP/1.1`, 'Host: h', ...fields))
const mutated = fc
  .tuple(head, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat(2)), { maxLength: 2 }))
  .map(([text, changes]) => {
    let result = text
    for (const [position, byte, removed] of changes) {
      const at = position % result.length
      result = result.slice(0, at) + String.fromCharCode(byte) + result.slice(at + removed)
    }
    return result
  })

/** The grammar once more, as plainly as can be. */
const grammar =
  /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \/[\x21\x22\x24-\x7e]* HTTP\/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*\r\n)+\r\n/

test('nothing outside the grammar is accepted, and the head ends where its grammar ends', () => {
  fc.assert(
    fc.property(mutated, fc.string({ unit: 'binary-ascii' }), (text, behind) => {
      const result = scan(text + behind)
      if (typeof result === 'string') return
      const match = grammar.exec(text + behind)
      expect(match?.[0].length).toBe(result.end)
      expect((match?.[0] ?? '').match(/^host:/gim)?.length).toBe(1)
      expect((match?.[0] ?? '').match(/^(content-length|transfer-encoding):/gim)?.length ?? 0).toBeLessThan(2)
    }),
    { numRuns: 3_000 },
  )
})

test('a head that is cut anywhere is never accepted, and never declined if the whole is accepted', () => {
  fc.assert(
    fc.property(mutated, (text) => {
      const whole = scan(text)
      let wasDeclined = false
      for (let length = 0; length < text.length; length++) {
        const part = scan(text.slice(0, length))
        if (typeof whole !== 'string') expect(part).toBe(length < whole.end ? 'more' : expect.anything())
        if (wasDeclined) expect(part).toBe('decline')
        wasDeclined = part === 'decline'
      }
      if (wasDeclined) expect(whole).toBe('decline')
    }),
    { numRuns: 300 },
  )
})

test('where it stands in the bytes makes no difference', () => {
  fc.assert(
    fc.property(head, fc.string({ unit: 'binary-ascii', maxLength: 20 }), (text, before) => {
      const here = scan(text)
      const there = scan(before + text, before.length)
      if (typeof here === 'string' || typeof there === 'string') expect(there).toBe(here)
      else expect(there.end - before.length).toBe(here.end)
    }),
  )
})
