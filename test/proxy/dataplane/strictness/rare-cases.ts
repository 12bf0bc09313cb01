import { bare, chunked, get, head, post } from './strict-case.ts'

/** A request that is right, though seldom seen, and what a worker has to get of it. */
export interface RareCase {
  readonly section: string
  readonly name: string
  readonly bytes: string
  /** The request line. */
  readonly line: string
  /** Fields that have to be there as they are, the name in lower case. */
  readonly fields?: readonly string[]
  readonly body?: string
}

const plain = 'GET / HTTP/1.1'
const longest = 'x'.repeat(14_000)
const allTokenCharacters = "!#$%&'*+-.^_`|~0aZ"

function rare(
  section: string,
  name: string,
  bytes: string,
  line: string,
  more: Pick<RareCase, 'fields' | 'body'> = {},
): RareCase {
  return { section, name, bytes, line, ...more }
}

function method(name: string): RareCase {
  return rare('9110 9.1', `the method ${name}`, head(`${name} /x HTTP/1.1`), `${name} /x HTTP/1.1`)
}

function target(name: string, text: string): RareCase {
  return rare('9112 3.2.1', name, head(`GET ${text} HTTP/1.1`), `GET ${text} HTTP/1.1`)
}

function hostOf(name: string, host: string): RareCase {
  return rare('9110 7.2', name, bare(plain, `Host: ${host}`), plain, { fields: [`host: ${host}`] })
}

function field(name: string, line: string, arrived: string, section = '9110 5.5'): RareCase {
  return rare(section, name, get(line), plain, { fields: [arrived] })
}

export const rareCases: readonly RareCase[] = [
  ...['PROPFIND', 'M-SEARCH', 'QUERY', 'PURGE', 'REPORT', 'MKCOL', 'LINK', 'PATCH', 'PUT', 'DELETE'].map(method),
  rare('9112 3.2.4', 'OPTIONS *', head('OPTIONS * HTTP/1.1'), 'OPTIONS * HTTP/1.1'),
  rare('9112 3.2.4', 'OPTIONS of a whole server', head('OPTIONS http://example.test HTTP/1.1'), 'OPTIONS * HTTP/1.1'),
  rare(
    '9112 3.2.2',
    'an absolute target that Host agrees with',
    head('GET http://example.test/x?y HTTP/1.1'),
    'GET /x?y HTTP/1.1',
    { fields: ['host: example.test'] },
  ),
  rare(
    '9112 3.2.2',
    'an absolute target that Host contradicts',
    head('GET http://other.test:81/x HTTP/1.1'),
    'GET /x HTTP/1.1',
    { fields: ['host: other.test:81'] },
  ),
  rare(
    '9112 3.2.2',
    'an absolute target without a path',
    head('GET HTTPS://example.test?q HTTP/1.1'),
    'GET /?q HTTP/1.1',
  ),
  target('two slashes', '//path//to/'),
  target('an empty query', '/?'),
  target('question marks and slashes in a query', '/?a=/?b'),
  target('dots', '/a/../b/./c'),
  target('encoded slashes, dots and spaces', '/%2F%2e%2E/%20?%00'),
  target('what a browser does not encode', '/"<>[]^`{}|'),
  target('a colon and an at', '/a:b@c;d=e,f'),
  target('a long query', `/?${longest}`),
  hostOf('a port', 'example.test:8443'),
  hostOf('a port of no digits', 'example.test:'),
  hostOf('an IPv4 address', '192.0.2.1:80'),
  hostOf('an IPv6 address', '[2001:db8::1]'),
  hostOf('an IPv6 address and a port', '[::1]:8080'),
  hostOf('an underscore', 'my_host'),
  hostOf('a name in Punycode', 'xn--bcher-kva.example'),
  hostOf('capital letters', 'EXAMPLE.Test'),
  field('a field without a value', 'X-A:', 'x-a: '),
  field('a field whose value is spaces', 'X-A:   \t ', 'x-a: '),
  field('no space behind the colon', 'X-A:b', 'x-a: b'),
  field('tabs in and around a value', 'X-A: \ta\tb \t', 'x-a: a\tb'),
  field('a value in Latin-1', 'X-A: \xe4\xff', 'x-a: \xe4\xff'),
  field('a value in UTF-8', 'X-A: \xc3\xa4', 'x-a: \xc3\xa4'),
  field('a value of 14,000 bytes', `X-A: ${longest}`, `x-a: ${longest}`),
  field(
    'every character that a name may have',
    `${allTokenCharacters}: b`,
    `${allTokenCharacters.toLowerCase()}: b`,
    '9112 5',
  ),
  field('a name of one letter', 'A: b', 'a: b', '9112 5'),
  field('colons in a value', 'X-A: :b:c:', 'x-a: :b:c:', '9112 5'),
  field('a comment and quotes', 'User-Agent: x/1 (a "b" \\)', 'user-agent: x/1 (a "b" \\)'),
  field('a name that looks like a length', 'X-Content-Length: 5', 'x-content-length: 5', '9110 8.6'),
  rare('9110 5.2', '500 fields', get(...Array.from({ length: 500 }, (_, index) => `X-${index}: v`)), plain, {
    fields: ['x-499: v'],
  }),
  rare('9110 5.3', 'a field several times', get('X-A: 1', 'x-a: 2', 'X-A:'), plain, {
    fields: ['x-a: 1', 'x-a: 2', 'x-a: '],
  }),
  rare('6265 5.4', 'cookies in two lines', get('Cookie: a=b', 'Cookie: c=d'), plain, { fields: ['cookie: a=b; c=d'] }),
  rare('9112 2.2', 'an empty line before the request', `\r\n${get()}`, plain),
  rare(
    '9110 7.6.1',
    'Connection with several options',
    get('Connection: keep-alive, X-Hop', 'X-Hop: 1', 'X-A: b'),
    plain,
    { fields: ['x-a: b'] },
  ),
  rare('9110 7.6.1', 'Connection without options', get('Connection: ,', 'X-A: b'), plain, { fields: ['x-a: b'] }),
  rare('9110 7.8', 'a wish for another protocol, without Connection', get('Upgrade: websocket', 'X-A: b'), plain, {
    fields: ['x-a: b'],
  }),
  rare(
    '9110 7.6.1',
    'Keep-Alive and Proxy-Connection',
    get('Keep-Alive: timeout=5', 'Proxy-Connection: keep-alive'),
    plain,
  ),
  rare('9110 10.1.4', 'TE', get('TE: trailers', 'Connection: TE'), plain),
  rare('9112 9.3', 'HTTP/1.0 with keep-alive', head('GET / HTTP/1.0', 'Connection: keep-alive'), plain),
  rare('9112 9.3', 'HTTP/1.0 without Host', bare('GET /x HTTP/1.0'), 'GET /x HTTP/1.1'),
  rare('9110 9.3.1', 'a GET with a body', `${head('GET / HTTP/1.1', 'Content-Length: 5')}hello`, plain, {
    body: 'hello',
  }),
  rare(
    '9110 9.3.5',
    'a DELETE with a body',
    `${head('DELETE / HTTP/1.1', 'Content-Length: 5')}hello`,
    'DELETE / HTTP/1.1',
    { body: 'hello' },
  ),
  rare('9110 9.3.2', 'a HEAD with a body', `${head('HEAD / HTTP/1.1', 'Content-Length: 5')}hello`, 'HEAD / HTTP/1.1', {
    body: 'hello',
  }),
  rare(
    '9110 10.1.1',
    'Expect: 100-continue',
    post(['Content-Length: 5', 'Expect: 100-Continue'], 'hello'),
    'POST / HTTP/1.1',
    { body: 'hello' },
  ),
  rare(
    '9112 7.1',
    'sizes in small and capital letters, with zeros',
    chunked('a\r\n0123456789\r\n000B\r\n0123456789a\r\n0000\r\n\r\n'),
    'POST / HTTP/1.1',
    { body: '01234567890123456789a' },
  ),
  rare(
    '9112 7.1.1',
    'extensions of all kinds',
    chunked('3;a;b=c;d="e;f"\r\nabc\r\n0;last\r\n\r\n'),
    'POST / HTTP/1.1',
    { body: 'abc' },
  ),
  rare('9112 7.1.2', 'trailers', chunked('3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Empty:\r\n\r\n'), 'POST / HTTP/1.1', {
    body: 'abc<X-Sum: 1><X-Empty: >',
  }),
  rare(
    '9110 6.5.1',
    'trailers that may not be',
    chunked('3\r\nabc\r\n0\r\nHost: evil\r\nTrailer: x\r\nX-Sum: 1\r\n\r\n'),
    'POST / HTTP/1.1',
    { body: 'abc<X-Sum: 1>' },
  ),
  rare(
    '9112 7',
    'a coding in capitals',
    post(['Transfer-Encoding: CHUNKED'], '3\r\nabc\r\n0\r\n\r\n'),
    'POST / HTTP/1.1',
    { body: 'abc' },
  ),
  rare('9112 7.1', 'many chunks of one byte', chunked(`${'1\r\nx\r\n'.repeat(300)}0\r\n\r\n`), 'POST / HTTP/1.1', {
    body: 'x'.repeat(300),
  }),
  rare('9110 7.6.2', 'Max-Forwards', head('OPTIONS / HTTP/1.1', 'Max-Forwards: 10'), 'OPTIONS / HTTP/1.1', {
    fields: ['max-forwards: 9'],
  }),
  rare('9110 7.6.2', 'Max-Forwards with GET, which it does not concern', get('Max-Forwards: 0'), plain, {
    fields: ['max-forwards: 0'],
  }),
]
