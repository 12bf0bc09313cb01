import { bare, get, post, refused, type StrictCase, strictCase } from './strict-case.ts'

const line = 'GET / HTTP/1.1'
const manyFields = Array.from({ length: 10_000 }, (_, index) => `X-H-${index}: value`)

/** Field lines (RFC 9112 5) and Host (3.2). */
export const fieldCases: readonly StrictCase[] = [
  strictCase('9112 2.2', 'a bare LF behind a field', bare(line, 'Host: example.test\nX-A: b'), refused),
  strictCase('9112 5.2', 'a folded field', get('X-A: value', ' continued'), [400]),
  strictCase('9112 5.1', 'a space before the colon', get('X-A : value'), [400]),
  strictCase('9112 5', 'an empty name', get(': value'), refused),
  strictCase('9112 5', 'a bracket in a name', get('Bad[Name: value'), refused),
  strictCase('9112 5', 'a line without a colon', get('NoColonHere'), refused),
  strictCase('9112 5', 'UTF-8 in a name', get('X-T\xc3\xabst: value'), refused),
  strictCase('9110 5.5', 'control characters in a value', get('X-A: abc\x07\x08\x0bdef'), refused),
  strictCase('9110 5.5', 'a NUL in a value', get('X-A: val\0ue'), refused),
  strictCase('9112 2.2', 'a bare CR in a value', post(['Content-Length: 5', 'X-A: val\rue'], 'hello'), refused),
  strictCase(
    '9110 5.3',
    'Content-Type twice',
    post(['Content-Length: 5', 'Content-Type: text/plain', 'Content-Type: text/html'], 'hello'),
    [200, 400, 'close'],
  ),
  strictCase('9110 14.2', 'Range with POST', post(['Content-Length: 5', 'Range: bytes=0-10'], 'hello'), [200], {
    body: 'hello',
  }),
  strictCase('6585 5', 'a value of 100,000 bytes', get(`X-A: ${'b'.repeat(100_000)}`), [431, 400, 'close']),
  strictCase('6585 5', 'a name of 100,000 bytes', get(`${'A'.repeat(100_000)}: b`), [431, 400, 'close']),
  strictCase('6585 5', '10,000 fields', get(...manyFields), [431, 400, 'close']),

  strictCase('9112 3.2', 'no Host', bare(line), [400]),
  strictCase('9112 3.2', 'two hosts', bare(line, 'Host: example.test', 'Host: other.test'), [400]),
  strictCase('9112 3.2', 'the same Host twice', bare(line, 'Host: example.test', 'Host: example.test'), [400]),
  strictCase('9112 3.2', 'an empty Host', bare(line, 'Host: '), refused),
  strictCase('9110 7.2', 'a Host with user information', bare(line, 'Host: user@example.test'), refused),
  strictCase('9110 7.2', 'a Host with a path', bare(line, 'Host: example.test/path'), refused),
  strictCase('9110 7.2', 'a Host with a comma', bare(line, 'Host: example.test, other.test'), refused),

  strictCase(
    '9112 5',
    'a length with an underscore in its name',
    post(['Content-Length: 11', 'Content_Length: 99'], 'hello world'),
    [200, 400, 'close'],
    { body: 'hello world' },
  ),
  strictCase(
    '9112 5.1',
    'a second length with a space before the colon',
    post(['Content-Length: 11', 'Content-Length : 5'], 'hello world'),
    refused,
  ),
  strictCase(
    '9112 5',
    'a length with a tab in its name',
    post(['Content-Length: 11', 'Content\tLength: 99'], 'hello world'),
    refused,
  ),
  strictCase(
    '9112 5',
    'a coding with an underscore in its name',
    post(['Content-Length: 11', 'Transfer_Encoding: chunked'], 'hello world'),
    [200, 400, 'close'],
    { body: 'hello world' },
  ),
]
