import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkRequestHead } from '../../../../src/proxy/dataplane/http2/request-head.ts'

const plain = { ':method': 'GET', ':scheme': 'https', ':authority': 'h', ':path': '/' }

/** A header section as names and values in turn. */
function lines(changes: Record<string, string | null> = {}, ...more: string[]): string[] {
  const pseudo = Object.entries({ ...plain, ...changes }).filter(([, value]) => value !== null)
  return [...pseudo.flat(), ...more] as string[]
}

test('a plain request is what it seems to be', () => {
  const head = checkRequestHead(lines({ ':path': '/a?b', ':authority': 'H:8' }, 'x', 'y', 'cookie', 'a', 'cookie', 'b'))
  expect(head).toEqual({
    method: 'GET',
    path: '/a?b',
    host: 'H:8',
    fields: ['x', 'y', 'cookie', 'a; b'],
    contentLength: -1,
  })
})

test.each([
  ['Host in place of an authority', lines({ ':authority': null }, 'host', 'h:1'), 'h:1'],
  ['both, if they are the same in any case', lines({}, 'host', 'H'), 'h'],
  ['an IPv6 address', lines({ ':authority': '[::1]:80' }), '[::1]:80'],
])('%s is the host', (_name, head, host) => {
  expect(checkRequestHead(head)).toMatchObject({ host, fields: [] })
})

test.each([
  ['no method', lines({ ':method': null })],
  ['no scheme', lines({ ':scheme': null })],
  ['no path', lines({ ':path': null })],
  ['a path that is no path', lines({ ':path': 'x' })],
  ['an asterisk with GET', lines({ ':path': '*' })],
  ['a method twice', lines({}, ':method', 'GET')],
  ['a pseudo-header behind a field', lines({ ':path': null }, 'x', 'y', ':path', '/')],
  ['a pseudo-header behind a cookie', lines({ ':path': null }, 'cookie', 'y', ':path', '/')],
  ['a status', lines({}, ':status', '200')],
  ['hosts that differ', lines({}, 'host', 'other')],
  ['two hosts', lines({ ':authority': null }, 'host', 'h', 'host', 'h')],
  ['a capital in a name', lines({}, 'X', 'y')],
  ['a colon in a name', lines({}, 'x:y', 'z')],
  ['a line break in a name', lines({}, 'x\r\ny', 'z')],
  ['a line break in a value', lines({}, 'x', 'y\r\nz: 1')],
  ['NUL in a value', lines({}, 'x', 'y\0')],
  ['white space around a value', lines({}, 'x', ' y')],
  ['white space behind a value', lines({}, 'x', 'y\t')],
  ['a field of the connection', lines({}, 'transfer-encoding', 'chunked')],
  ['te: gzip', lines({}, 'te', 'gzip')],
  ['two lengths', lines({}, 'content-length', '1', 'content-length', '1')],
  ['a length with a sign', lines({}, 'content-length', '+1')],
  ['a length with a leading zero', lines({}, 'content-length', '01')],
  ['a length beyond counting', lines({}, 'content-length', '9'.repeat(16))],
  ['CONNECT with a path', lines({ ':method': 'CONNECT' })],
])('%s is malformed', (_name, head) => {
  expect(checkRequestHead(head)).toBe('malformed')
})

test.each([
  ['BAD_HOST', lines({ ':authority': null })],
  ['BAD_HOST', lines({ ':authority': 'user@h' })],
  ['BAD_HOST', lines({ ':authority': 'h:99999' })],
  ['BAD_TARGET', lines({ ':path': '/a b' })],
  ['BAD_TARGET', lines({ ':path': '/a#b' })],
  ['BAD_TARGET', lines({ ':path': '/\xe4' })],
  ['BAD_REQUEST', lines({ ':scheme': 'ftp' })],
  ['NOT_IMPLEMENTED', lines({ ':method': 'CONNECT', ':scheme': null, ':path': null })],
  ['NOT_IMPLEMENTED', lines({ ':method': 'TRACE' })],
  ['NOT_IMPLEMENTED', lines({ ':method': 'BREW' })],
  ['BAD_REQUEST', lines({ ':method': 'OPTIONS' }, 'max-forwards', 'few')],
  ['EXPECTATION_FAILED', lines({}, 'expect', 'magic')],
])('%s is what %j is answered', (error, head) => {
  expect(checkRequestHead(head)).toMatchObject({ error })
})

test('whatever is accepted is one line each, and nothing in it can end one', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.constantFrom('/', '*', 'GET', 'http', 'h', 'host', 'x', ':path', 'content-length', '1', 'a\r\nb', 'cookie'),
  )
  fc.assert(
    fc.property(fc.array(text, { maxLength: 12 }), fc.boolean(), (more, isPlain) => {
      const all = isPlain ? lines({}, ...more) : more
      const head = checkRequestHead(all.length % 2 === 0 ? all : all.slice(1))
      if (head === 'malformed' || 'error' in head) return
      expect(`${head.method} ${head.path}`).toMatch(/^[^\s]+ [\x21-\x7e]+$/)
      for (const line of [head.host, ...head.fields]) expect(line).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/)
    }),
    { numRuns: 2_000 },
  )
})
