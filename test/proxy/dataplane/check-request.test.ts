import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkRequest, isAuthority } from '../../../src/proxy/dataplane/check-request.ts'

function check(target: string, { method = 'GET', hosts = ['h'], isHttp10 = false, headers = [] as string[] } = {}) {
  return checkRequest({
    method,
    target,
    isHttp10,
    rawHeaders: [...hosts.flatMap((host) => ['hOsT', host]), ...headers],
  })
}

test.each([
  'a',
  'example.test',
  'example.test:80',
  '127.0.0.1:8080',
  '[::1]',
  '[::1]:443',
  'a_b',
  'xn--bcher-kva',
  'a:',
  'a%20b',
])('a Host of %s is one', (host) => expect(check('/', { hosts: [host] })).toEqual({ path: '/', authority: null, host }))

test.each([
  '',
  ' ',
  'a b',
  'a/b',
  'user@a',
  'a,b',
  'a:b',
  'a:99999',
  'a:123456',
  '[::1',
  '::1',
  '[x]',
  '[::1]x',
  'ü',
  'a?b',
  'a#b',
  'a\\b',
  'a%2',
  'http://a',
  ':80',
])('a Host of "%s" is none', (host) => expect(check('/', { hosts: [host] })).toEqual({ error: 'BAD_HOST' }))

test('Host stands there exactly once; only HTTP/1.0 may leave it out', () => {
  expect(check('/', { hosts: [] })).toEqual({ error: 'BAD_HOST' })
  expect(check('/', { hosts: ['a', 'a'] })).toEqual({ error: 'BAD_HOST' })
  expect(check('/', { hosts: [], isHttp10: true })).toEqual({ path: '/', authority: null, host: null })
  expect(check('/', { hosts: ['a', 'a'], isHttp10: true })).toEqual({ error: 'BAD_HOST' })
})

test.each([
  ['/', 'GET', '/', null],
  ['//a//b/../c?x#'.slice(0, -1), 'GET', '//a//b/../c?x', null],
  ['/"<>`{}|\\^', 'GET', '/"<>`{}|\\^', null],
  ['*', 'OPTIONS', '*', null],
  ['http://other:81/x?y', 'GET', '/x?y', 'other:81'],
  ['HTTPS://other', 'GET', '/', 'other'],
  ['http://other?q', 'GET', '/?q', 'other'],
  ['http://other', 'OPTIONS', '*', 'other'],
])('target %s of %s means %s', (target, method, path, authority) => {
  expect(check(target, { method })).toEqual({ path, authority, host: 'h' })
})

test.each([
  '',
  '*',
  'a',
  'example.test:80',
  '/a b',
  '/a#b',
  '/\t',
  '/\x7f',
  '/\xe4',
  '/\0',
  'ftp://a/',
  'http://',
  'http:///x',
  'http://user@a/',
  'http://a,b/',
])('a target of "%s" is refused', (target) => expect(check(target)).toEqual({ error: 'BAD_TARGET' }))

test('CONNECT, unknown transfer codings and expectations are refused each in its way', () => {
  expect(check('a:80', { method: 'CONNECT' })).toEqual({ error: 'NOT_IMPLEMENTED' })
  expect(check('/', { headers: ['Transfer-Encoding', 'gzip, chunked'] })).toEqual({ error: 'NOT_IMPLEMENTED' })
  expect(check('/', { headers: ['transfer-encoding', 'Chunked'] })).toMatchObject({ path: '/' })
  expect(check('/', { headers: ['Transfer-Encoding', 'chunked'], isHttp10: true })).toEqual({ error: 'BAD_REQUEST' })
  expect(check('/', { headers: ['Expect', 'tea'] })).toEqual({ error: 'EXPECTATION_FAILED' })
  expect(check('/', { headers: ['Expect', 'tea'], isHttp10: true })).toMatchObject({ path: '/' })
  expect(check('/', { headers: ['X', 'a\x7fb'] })).toEqual({ error: 'BAD_REQUEST' })
})

test.each([
  [['chunked, gzip'], 'BAD_REQUEST'],
  [['chunked, chunked'], 'BAD_REQUEST'],
  [['chunked', 'chunked'], 'BAD_REQUEST'],
  [['gzip'], 'BAD_REQUEST'],
  [['identity'], 'BAD_REQUEST'],
  [[''], 'BAD_REQUEST'],
  [[', chunked'], 'BAD_REQUEST'],
  [['chunked,'], 'BAD_REQUEST'],
  [['xchunked'], 'BAD_REQUEST'],
  [['chunked;a=b'], 'BAD_REQUEST'],
  [['gzip', 'chunked'], 'NOT_IMPLEMENTED'],
  [['gzip, CHUNKED'], 'NOT_IMPLEMENTED'],
])('transfer codings of %j are refused: %s', (codings, error) => {
  const headers = codings.flatMap((coding) => ['Transfer-Encoding', coding])
  expect(check('/', { headers })).toEqual({ error })
})

test('TRACE is refused, and so is an OPTIONS that may be forwarded nobody knows how often', () => {
  expect(check('/', { method: 'TRACE' })).toEqual({ error: 'NOT_IMPLEMENTED' })
  for (const value of ['', 'x', '-1', '1, 2', '9999999999']) {
    expect(check('/', { method: 'OPTIONS', headers: ['max-Forwards', value] })).toEqual({ error: 'BAD_REQUEST' })
    expect(check('/', { headers: ['max-Forwards', value] })).toMatchObject({ path: '/' })
  }
})

test('no target that passes holds what could end a request line', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)) }),
      fc.constantFrom('GET', 'OPTIONS', 'POST'),
      (text, method) => {
        const checked = check(`/${text}`, { method })
        if ('error' in checked) return
        expect(checked.path).toMatch(/^\/[\x21-\x7e]*$/)
        expect(checked.path).not.toContain('#')
      },
    ),
  )
})

test('no authority that passes holds a path, user information or a list', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      if (isAuthority(text)) expect(text).not.toMatch(/[/@,?#\s\\]/)
    }),
  )
})
