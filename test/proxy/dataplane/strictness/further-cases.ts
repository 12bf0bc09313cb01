import { bare, chunked, get, head, post, refused, type StrictCase, smuggled, strictCase } from './strict-case.ts'

const length = 'Content-Length: 5'
const last = '0\r\n\r\n'
const trailer = (line: string): string => chunked(`5\r\nhello\r\n0\r\n${line}\r\n\r\n`)
const prefix = 'GET /smuggled HTTP/1.1\r\nHost: example.test\r\n'
const ranges = Array.from({ length: 1_000 }, () => '0-').join(',')

/** What the RFCs leave open, or what is only to be seen at second sight. */
export const furtherCases: readonly StrictCase[] = [
  strictCase('9112 2.3', 'version 1.2', head('GET / HTTP/1.2'), [400, 200, 505]),
  strictCase('9112 2.3', 'version 2.0 and all fields of 1.1', head('GET / HTTP/2.0'), [400, 505]),
  strictCase('9112 3', 'a space behind the version', head('GET / HTTP/1.1 '), refused),
  strictCase('9112 3', 'a space before the method', head(' GET / HTTP/1.1'), refused),
  strictCase('9112 3', 'two spaces before the version', head('GET /  HTTP/1.1'), [200, 400, 'close']),
  strictCase(
    '9112 3.2.2',
    'an absolute target with user information',
    head('GET http://user@example.test/ HTTP/1.1'),
    [400],
  ),
  strictCase('9112 3.2.2', 'an absolute target of another scheme', head('GET ftp://example.test/ HTTP/1.1'), [400]),
  strictCase('9112 3.2.2', 'an absolute target without a host', head('GET http:///x HTTP/1.1'), [400]),
  strictCase('9112 3.2.2', 'an absolute target and no Host', bare('GET http://example.test/ HTTP/1.1'), [400]),
  strictCase('9112 3.2.3', 'a host and port for a target, and GET', head('GET example.test:80 HTTP/1.1'), refused),
  strictCase('9112 3.2', 'a second Host in other letters', get('hOST: other.test'), [400]),
  strictCase('9112 3.2', 'two hosts in HTTP/1.0', head('GET / HTTP/1.0', 'Host: other.test'), [400]),
  strictCase('9110 7.2', 'a Host with a port too high', bare('GET / HTTP/1.1', 'Host: example.test:65536'), [400]),
  strictCase('9110 7.2', 'a Host with a port of letters', bare('GET / HTTP/1.1', 'Host: example.test:http'), [400]),
  strictCase('9110 7.2', 'a Host with a scheme', bare('GET / HTTP/1.1', 'Host: http://example.test'), [400]),
  strictCase('9110 7.2', 'a Host with a space', bare('GET / HTTP/1.1', 'Host: example.test other.test'), [400]),
  strictCase('9110 7.2', 'a Host of a high byte', bare('GET / HTTP/1.1', 'Host: b\xfccher.example'), [400]),
  strictCase('9110 7.2', 'an IPv6 address without brackets', bare('GET / HTTP/1.1', 'Host: ::1'), [400]),
  strictCase(
    '9112 5.2',
    'a first field that is folded',
    bare('GET / HTTP/1.1', '\tX-A: b', 'Host: example.test'),
    refused,
  ),
  strictCase('9112 5.2', 'a folded Host', bare('GET / HTTP/1.1', 'Host:', ' example.test'), refused),
  strictCase('9110 5.5', 'DEL in a value', get('X-A: \x7f'), refused),

  strictCase('9110 8.6', 'the same length twice in a field', post(['Content-Length: 5, 5'], 'hello'), refused),
  strictCase('9110 8.6', 'the same length three times in a field', post(['Content-Length: 5, 5, 5'], 'hello'), refused),
  strictCase('9110 8.6', 'the same length in two fields', post([length, length], 'hello'), refused),
  strictCase(
    '9112 6.1',
    'TRANSFER-ENCODING in capitals, with a length',
    post([length, 'TRANSFER-ENCODING: chunked'], 'hello'),
    refused,
  ),
  strictCase(
    '9112 6.1',
    'chunked behind a tab, with a length',
    post(['Transfer-Encoding:\tchunked', length], 'hello'),
    refused,
  ),
  strictCase('9112 6.3', 'chunked with parameters', post(['Transfer-Encoding: chunked;a=b'], last), refused),
  strictCase(
    '9112 6.1',
    'a known coding behind an unknown one',
    post(['Transfer-Encoding: gzip, chunked'], last),
    [501, 400],
  ),
  strictCase(
    '9112 7.1',
    'chunked in two fields',
    post(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], last),
    refused,
  ),

  strictCase('9110 6.5.1', 'a trailer that is a length', trailer('Content-Length: 50'), refused),
  strictCase('9110 6.5.1', 'a trailer that is a coding', trailer('Transfer-Encoding: chunked'), refused),
  strictCase('9110 6.5.1', 'a trailer that is a Host', trailer('Host: evil.test'), [200, 400], { body: 'hello' }),
  strictCase('9110 6.5.1', 'a trailer that says who it is', trailer('Authorization: Bearer evil'), [200, 400], {
    body: 'hello<Authorization: Bearer evil>',
  }),
  strictCase('9110 6.5.1', 'a trailer with a space before its colon', trailer('X-A : b'), refused),
  strictCase('9110 6.5.1', 'a trailer that is folded', trailer('X-A: b\r\n c'), refused),
  strictCase('9110 6.5.1', 'trailers of 100,000 bytes', trailer(`X-A: ${'b'.repeat(100_000)}`), [400, 431, 'close']),

  strictCase('9110 9.3.8', 'TRACE with a body', `${head('TRACE / HTTP/1.1', length)}hello`, [501, 400, 405]),
  strictCase('9110 9.3.8', 'TRACE with a password', head('TRACE / HTTP/1.1', 'Authorization: Bearer x'), [501, 405]),
  strictCase('9110 14.2', 'a range that is none', get('Range: bytes=abc-xyz'), [200, 416]),
  strictCase('9110 14.2', 'a thousand ranges', get(`Range: bytes=${ranges}`), [200, 206, 400, 416]),

  strictCase(
    '9112 11.2',
    'a GET whose body begins another',
    head('GET / HTTP/1.1', `Content-Length: ${prefix.length}`) + prefix,
    [200],
    { body: prefix },
  ),
  strictCase(
    '9112 11.2',
    'a HEAD whose body is another',
    head('HEAD / HTTP/1.1', `Content-Length: ${smuggled.length}`) + smuggled,
    [200],
    { body: smuggled },
  ),
  strictCase(
    '9112 11.2',
    'OPTIONS whose body is another',
    head('OPTIONS / HTTP/1.1', `Content-Length: ${smuggled.length}`) + smuggled,
    [200],
    { body: smuggled },
  ),
  strictCase('9112 11.2', 'a body behind a length of none', post(['Content-Length: 0'], 'X'), [200], {
    leavesRubbish: true,
  }),
]
