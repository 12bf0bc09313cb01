import { chunked, head, post, refused, type StrictCase, strictCase } from './strict-case.ts'

/** What says how long a body is: Content-Length (RFC 9110 8.6) and Transfer-Encoding (RFC 9112 6.1, 6.3). */
export const framingCases: readonly StrictCase[] = [
  strictCase('9112 6.2', 'a body of the stated length', post(['Content-Length: 5'], 'hello'), [200], { body: 'hello' }),
  strictCase('9112 6.2', 'a body of no bytes', post(['Content-Length: 0']), [200], { body: '' }),
  strictCase('9112 6.3', 'a POST that says nothing of a body', post([]), [200], { body: '' }),
  strictCase('9112 6.2', 'half a body', post(['Content-Length: 10'], 'hello'), ['close', 400], { isCutOff: true }),
  strictCase('9112 6.2', 'a length of 999,999,999 and no body', post(['Content-Length: 999999999']), ['close', 400], {
    isCutOff: true,
  }),
  strictCase('9110 8.6', 'a length of letters', post(['Content-Length: abc']), refused),
  strictCase('9110 8.6', 'a length with a plus', post(['Content-Length: +5'], 'hello'), refused),
  strictCase('9110 8.6', 'a negative length', post(['Content-Length: -1']), refused),
  strictCase('9110 8.6', 'a length of minus zero', post(['Content-Length: -0']), refused),
  strictCase('9110 8.6', 'an empty length', post(['Content-Length: ']), refused),
  strictCase('9110 8.6', 'a length of twenty digits', post(['Content-Length: 99999999999999999999']), refused),
  strictCase('9110 8.6', 'a length in octal', post(['Content-Length: 0o5'], 'hello'), refused),
  strictCase('9110 8.6', 'a length in hex', post(['Content-Length: 0x5'], 'hello'), refused),
  strictCase('9110 8.6', 'a length with a space inside', post(['Content-Length: 1 0'], 'hello12345'), refused),
  strictCase('9110 8.6', 'a length with an underscore', post(['Content-Length: 1_0'], 'helloworld'), refused),
  strictCase('9110 8.6', 'two lengths', post(['Content-Length: 5', 'Content-Length: 10'], 'helloworld'), refused),
  strictCase('9110 8.6', 'two lengths in one field', post(['Content-Length: 5, 10'], 'hello'), refused),
  strictCase('9110 8.6', 'a length with leading zeros', post(['Content-Length: 005'], 'hello'), [200, 400, 'close'], {
    body: 'hello',
  }),
  strictCase('9110 8.6', 'a length of 00', post(['Content-Length: 00']), [200, 400, 'close']),
  strictCase(
    '9110 8.6',
    'a length that is octal to some',
    post(['Content-Length: 0200'], 'A'.repeat(200)),
    [200, 400, 'close'],
    { body: 'A'.repeat(200) },
  ),
  strictCase('9110 5.5', 'a space behind a length', post(['Content-Length: 5 '], 'hello'), [200, 400, 'close'], {
    body: 'hello',
  }),
  strictCase('9110 5.5', 'two spaces before a length', post(['Content-Length:  5'], 'hello'), [200, 400, 'close'], {
    body: 'hello',
  }),
  strictCase('9110 5.5', 'a tab before a length', post(['Content-Length:\t5'], 'hello'), [200, 400, 'close'], {
    body: 'hello',
  }),

  strictCase('9112 6.1', 'an unknown coding', post(['Transfer-Encoding: gzip']), [400, 501, 'close']),
  strictCase(
    '9112 6.3',
    'chunked, and not as the last coding',
    post(['Transfer-Encoding: chunked, gzip'], '0\r\n\r\n'),
    refused,
  ),
  strictCase(
    '9112 6.1',
    'a coding in HTTP/1.0',
    `${head('POST / HTTP/1.0', 'Transfer-Encoding: chunked', 'Content-Length: 5')}hello`,
    refused,
  ),
  ...(
    [
      ['9112 6.1', 'xchunked', 'Transfer-Encoding: xchunked', [400, 501, 'close']],
      ['9112 7', 'identity', 'Transfer-Encoding: identity', [400, 501, 'close']],
      ['9112 6.1', 'chunked and a space', 'Transfer-Encoding: chunked ', [400, 501, 'close']],
      ['9112 5.1', 'chunked, a space before the colon', 'Transfer-Encoding : chunked', refused],
      ['9112 7.1', 'chunked twice in a field', 'Transfer-Encoding: chunked, chunked', refused],
      ['9112 6.1', 'Chunked', 'Transfer-Encoding: Chunked', refused],
      ['9112 6.1', 'an empty coding', 'Transfer-Encoding: ', refused],
      ['9110 5.6.1', 'chunked behind a comma', 'Transfer-Encoding: , chunked', refused],
      ['9110 5.6.1', 'chunked before a comma', 'Transfer-Encoding: chunked,', refused],
      ['9112 6.1', 'chunked behind a vertical tab', 'Transfer-Encoding: \x0bchunked', refused],
      ['9112 6.1', 'chunked behind a form feed', 'Transfer-Encoding: \x0cchunked', refused],
      ['9112 6.1', 'chunked and a NUL', 'Transfer-Encoding: chunked\0', refused],
      ['9112 5.2', 'chunked in a folded line', 'Transfer-Encoding:\r\n chunked', refused],
      ['9112 6.1', 'chunked, then identity', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', refused],
    ] as const
  ).map(([section, name, field, allowed]) =>
    strictCase(section, `${name}, with a length`, post([field, 'Content-Length: 5'], 'hello'), allowed),
  ),

  strictCase('9112 7.1', 'a chunk', chunked('5\r\nhello\r\n0\r\n\r\n'), [200], { body: 'hello' }),
  strictCase('9112 7.1', 'two chunks', chunked('5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n'), [200], {
    body: 'hello world',
  }),
  strictCase('9112 7.1', 'no chunk but the last', chunked('0\r\n\r\n'), [200], { body: '' }),
  strictCase('9112 7.1', 'a size in capital letters', chunked('A\r\nhelloworld\r\n0\r\n\r\n'), [200], {
    body: 'helloworld',
  }),
  strictCase('9112 7.1.1', 'a chunk extension', chunked('5;ext=value\r\nhello\r\n0\r\n\r\n'), [200, 400, 'close'], {
    body: 'hello',
  }),
  strictCase('9112 7.1.2', 'a trailer', chunked('5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n'), [200], {
    body: 'hello<X-Sum: abc>',
  }),
  strictCase('9112 7.1', 'chunks without the last one', chunked('5\r\nhello\r\n'), ['close', 400], { isCutOff: true }),
  ...(
    [
      ['9112 7.1.1', 'a semicolon and no extension', '5;\r\nhello\r\n0\r\n\r\n'],
      ['9112 7.1.1', 'a bracket in the name of an extension', '5;bad[=x\r\nhello\r\n0\r\n\r\n'],
      ['9112 7.1.1', 'a bare LF in an extension', '5;\nhello\r\n0\r\n\r\n'],
      ['9112 7.1.1', 'a NUL in an extension', '5;\0ext\r\nhello\r\n0\r\n\r\n'],
      ['9112 7.1.1', 'a bare CR in an extension', '5;a\rX\r\nhello\r\n0\r\n\r\n'],
      ['9112 7.1.1', 'an extension of 64 KiB', `5;ext=${'a'.repeat(65_536)}\r\nhello\r\n0\r\n\r\n`],
      ['9112 7.1', 'a size with an underscore', '1_0\r\nhello world!!!!!\r\n0\r\n\r\n'],
      ['9112 7.1', 'a size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'],
      ['9112 7.1', 'a size with a plus', '+5\r\nhello\r\n0\r\n\r\n'],
      ['9112 7.1', 'a size of plus zero', '+0\r\n\r\nX'],
      ['9112 7.1', 'a negative size', '-1\r\nhello\r\n0\r\n\r\n'],
      ['9112 7.1', 'a space behind a size', '5 \r\nhello\r\n0\r\n\r\n'],
      ['9112 7.1', 'a space before a size', ' 5\r\nhello\r\n0\r\n\r\n'],
      ['9112 7.1', 'a size of seventeen digits', 'FFFFFFFFFFFFFFFF0\r\nhello\r\n0\r\n\r\n'],
      ['9112 7.1', 'a chunk without its line end', '5\r\nhello0\r\n\r\n'],
      ['9112 7.1', 'a chunk longer than its size', '5\r\nhello!!\r\n0\r\n\r\n'],
      ['9112 2.2', 'a bare LF behind a chunk', '5\r\nhello\n0\r\n\r\n'],
      ['9112 2.2', 'a bare LF at the end of the trailers', '5\r\nhello\r\n0\r\n\n'],
      ['9112 2.2', 'a bare CR behind a size', '5\rhello\r\n0\r\n\r\n'],
    ] as const
  ).map(([section, name, body]) => strictCase(section, name, chunked(body), refused)),
]
