import { bare, get, head, post, smuggled } from './strict-case.ts'

const chunkedGet = (body: string): string => head('GET /attack HTTP/1.1', 'Transfer-Encoding: chunked') + body
const twoLengths = (first: string, second: string): string =>
  post([`Content-Length: ${first}`, `Content-Length: ${second}`], smuggled)
const tail = `0\r\n\r\n${smuggled}`
const inChunk = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`
const host = 'Host: example.test'
const everyControl = Array.from({ length: 32 }, (_, code) => String.fromCharCode(code))
  .filter((control) => control !== '\r' && control !== '\n')
  .join('')

/**
 * Bytes that one HTTP parser or another has read differently from the rest, by kind. They are thrown at the gateway to see
 * what it makes of them: nothing that is not well formed may reach a worker, nor a request that nobody sent.
 */
export const discrepancies: ReadonlyArray<readonly [kind: string, bytes: string]> = [
  // Chunk sizes.
  ['a size with an underscore', chunkedGet(`0_2e\r\n\r\n${smuggled}0\r\n\r\n`)],
  ['a size behind which nothing is checked', chunkedGet(`1nothing-checks-this\r\nZ\r\n${tail}`)],
  ['a size of minus zero in hex', chunkedGet(`-0x0\r\n\r\n${smuggled}`)],
  ['a size behind many spaces', chunkedGet(`           ${tail}`)],
  ['a size that is none', chunkedGet(`INVALID!!!\r\n${smuggled}`)],
  ['sizes that are letters', chunkedGet(`Z\r\nZZ\r\nZZZ\r\n\r\n${smuggled}`)],
  ['an empty line for a size', chunkedGet(`\r\n\r\n${smuggled}`)],
  ['a size that ends with the connection', chunkedGet('')],
  ['a size that overflows to zero', chunkedGet(`10000000000000000\r\n\r\n${smuggled}`)],
  ['a size with a fraction', chunkedGet(`0.5\r\n\r\n${smuggled}`)],
  ['a size with an exponent and a sign', chunkedGet(`0e+0\r\n\r\n${smuggled}`)],
  // Ends of chunk lines and chunks.
  ['two CRs and an extension behind a size', chunkedGet(`5\r\r;ABCD\r\n34\r\nE\r\n${tail}`)],
  ['two CRs in an extension', chunkedGet(`41;a=b\r\r${'X'.repeat(65)}\r\n${tail}`)],
  ['two CRs behind a small size', chunkedGet(`2\r\r;a\r\n02\r\n41\r\n${tail}`)],
  ['a CR for a line end', chunkedGet('1\r0\n')],
  ['a LF behind the data', chunkedGet(`a\r\n0123456789\n${tail}`)],
  ['a LF behind the last size', chunkedGet(`0\n\r\n${smuggled}`)],
  ['a letter in a line end', chunkedGet(`0r\n\r\n${smuggled}`)],
  ['a NUL behind the last chunk', chunkedGet('0\r\n\r\n\0')],
  ['a request for a trailer', chunkedGet(`0\r\nX:${smuggled}`)],
  ['a trailer without a colon', chunkedGet(`0\r\nGET /smuggled HTTP/1.1\r\n\r\n`)],
  ['a trailer that is folded', chunkedGet(`0\r\nX-A: b\r\n GET /smuggled HTTP/1.1\r\n\r\n`)],
  ['a trailer that is a length', chunkedGet(`0\r\nContent-Length: 40\r\n\r\n`)],
  ['a trailer that is a coding', chunkedGet(`0\r\nTransfer-Encoding: chunked\r\n\r\n`)],
  ['a trailer that is a host', chunkedGet(`0\r\nHost: other.test\r\n\r\n`)],
  ['a trailer that is a password', chunkedGet(`0\r\nAuthorization: Bearer x\r\n\r\n`)],
  [
    'a chunk that looks like a request',
    chunkedGet(`${(smuggled.length + 5).toString(16)}\r\n0\r\n\r\n${smuggled}\r\n0\r\n\r\n`),
  ],
  ['quotes that do not end in an extension', chunkedGet(`1;a="\r\nZ\r\n${tail}`)],
  // Lengths.
  ['a length with a plus and an underscore', post(['Content-Length: +1_0'], '0123456789')],
  ['a length with a letter behind', post(['Content-Length: 1Z'], 'Z')],
  ['a length in hex', post(['Content-Length: 0x10'], 'Z')],
  ['a length below zero', post(['Content-Length: -48'])],
  ['a length that is octal to some', post(['Content-Length: 010'], '0123456789')],
  ['an empty length', post(['Content-Length: '], smuggled)],
  ['an empty length, in small letters', post(['content-length: '], smuggled)],
  ['a length without a colon', post(['Content-Length 10'], '0123456789')],
  ['a length with a space before the colon', post([`Content-Length : ${smuggled.length}`], smuggled)],
  ['a length with a high byte before the colon', post(['Content-Length\x85: 10'], '0123456789')],
  ['a length in a folded first line', `${bare('GET / HTTP/1.1', '\tContent-Length: 1', host)}X`],
  ['a longer length, then none', twoLengths('1', '0')],
  ['no length, then a longer one', twoLengths('0', String(smuggled.length))],
  ['an empty length, then one', twoLengths('', String(smuggled.length))],
  ['the same length twice', twoLengths(String(smuggled.length), String(smuggled.length))],
  ['a length in a list', post([`Content-Length: ${smuggled.length}, ${smuggled.length}`], smuggled)],
  ['a GET with a body', `${head('GET /attack HTTP/1.1', 'Content-Length: 10')}1234567890`],
  [
    'a length that Connection names',
    post(['Connection: Content-Length', `Content-Length: ${smuggled.length}`], smuggled),
  ],
  ['a body behind a head without a length', `${get('Connection: close')}Invalid\r\n\r\n`],
  // Codings.
  ['two codings', post(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], `1\r\nZ\r\n${tail}`)],
  ['two codings and no chunk', post(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], tail)],
  ['a coding between hard spaces', post(['Transfer-Encoding: \xa0chunked\xa0'], tail)],
  ['a coding between high bytes', post(['Transfer-Encoding: \xffchunked\xff'], `1\r\nZ\r\n${tail}`)],
  ['a coding behind a comma, and a length', post(['Transfer-Encoding: ,chunked', 'Content-Length: 5'], tail)],
  ['a coding behind a comma', post(['Transfer-Encoding: ,chunked'], tail)],
  ['a coding that nobody knows', post(['Transfer-Encoding: blegh'], `1\r\nZ\r\n${tail}`)],
  ['a coding with parameters', post(['Transfer-Encoding: chunked;a=b'], tail)],
  ['a coding in quotes', post(['Transfer-Encoding: "chunked"'], tail)],
  ['a coding whose name is torn apart', post(['Transfer-', 'Encoding: chunked', 'Content-Length: 5'], tail)],
  ['a coding with a length', post(['Content-Length: 5', 'Transfer-Encoding: chunked'], tail)],
  ['a coding that Connection names', post(['Connection: Transfer-Encoding', 'Transfer-Encoding: chunked'], inChunk)],
  ['a coding for HTTP/1.0', head('POST / HTTP/1.0', 'Connection: keep-alive', 'Transfer-Encoding: chunked') + tail],
  // Names and values.
  ['a NUL and a CR in a value', get('X-A: v\0\ralue')],
  ['a NUL in a value', get('X-A: test\0dropped', 'Connection: close')],
  ['a NUL behind a value', get('X-A: evil\0')],
  ['a NUL in the host', bare('GET / HTTP/1.1', 'Host: example.test\0.other.test')],
  ['high bytes around the host', bare('GET / HTTP/1.1', 'Host: \xffa\xff')],
  ['CRs in a value', get('X-A: this\rvalue\ris\rnone')],
  ['a field behind a CR', get('Visible: a\rSmuggled: b')],
  ['a CR before the next request', `${get().slice(0, -2)}\rZ${smuggled}`],
  ['high bytes around a value', get('X-User: \x85admin\xa0')],
  ['a high byte in a name', get('X-A\x85: value')],
  ['a high byte before a name', get('\xefoo: bar')],
  ['control characters for a name', get(`${everyControl} "(),/;<=>?@[/]{}: value`)],
  ['no name', get(': ignored')],
  ['no name and no value', get(':', 'I: am chopped off')],
  ['a name without a colon, and a NUL', get('a:b', 'c\0')],
  ['a LF in a name', get('Te\nst: value')],
  ['two LFs behind a name', bare('GET / HTTP/1.1', host, `Useless:\n\n${smuggled}`)],
  ['LFs for all line ends', 'GET / HTTP/1.1\nHost: example.test\n\n'],
  // Request lines.
  ['a version of two digits', head('GET / HTTP/1.32')],
  ['a version of ten digits', head('GET / HTTP/4294967295.255')],
  ['a version of dots', head('\0 / HTTP/............0596.7407.')],
  ['CRs in the version', head('GET / HTTP/\r\r1.1')],
  ['a LF before the version', head('GET /\nHTTP/1.1')],
  ['a method of punctuation', head('G=":<>(e),[T];?" /get HTTP/1.1')],
  ['a target of punctuation', head('GET ! HTTP/1.1')],
  ['two spaces behind the target', `${head('POST /attack  HTTP/1.1', 'Transfer-Encoding: chunked')}1\r0\n`],
  ['a space behind the version', head('GET / HTTP/1.1 ')],
  ['a space before the method', head(' GET / HTTP/1.1')],
  [
    'the preface of HTTP/2, and frames',
    `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0E\x01\x05\0\0\0\x01\0`,
  ],
  ['a target of another scheme', head('GET ftp://example.test/ HTTP/1.1')],
  ['a target without a host', head('GET http:///attack HTTP/1.1')],
  // Two requests, where the first has no body to some.
  [
    'a second request with a length',
    `${post(['Content-Length: 0', 'Connection:keep-alive'])}${post(['Content-Length: 34'])}`,
  ],
  [
    'an upgrade to HTTP/2 with a body',
    post(
      [
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
        `Content-Length: ${smuggled.length}`,
      ],
      smuggled,
    ),
  ],
  [
    'a chunked DELETE',
    head('DELETE /attack HTTP/1.1', 'Transfer-Encoding: chunked') +
      `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
  ],
  [
    'an expectation with a body',
    head('GET /attack HTTP/1.1', 'Expect: 100-continue', `Content-Length: ${smuggled.length}`) + smuggled,
  ],
  [
    'an expectation that nobody knows, with a body',
    post(['Expect: x', `Content-Length: ${smuggled.length}`], smuggled),
  ],
  ['a HEAD with a body', head('HEAD /attack HTTP/1.1', `Content-Length: ${smuggled.length}`) + smuggled],
]
