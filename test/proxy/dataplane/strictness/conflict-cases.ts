import { head, post, refused, type StrictCase, smuggled, strictCase } from './strict-case.ts'

const coding = 'Transfer-Encoding: chunked'
const length = (value: number | string): string => `Content-Length: ${value}`
const last = '0\r\n\r\n'
const decoy = last + smuggled
const withoutLine = (request: string): string => request.replace('\r\n\r\n', '\r\nContent-Length: 7\r\n\r\n')
const inChunk = withoutLine(smuggled)
const size = inChunk.length.toString(16)

/** Two statements of the length that do not agree, and a request hidden where they differ (RFC 9112 6.1, 6.3, 11.2). */
export const conflictCases: readonly StrictCase[] = (
  [
    ['9112 6.1', 'a length and a coding that agree', [length(23), coding], 'D\r\nhello-bananas\r\n0\r\n\r\n'],
    ['9112 6.1', 'a length and a coding', [length(4), coding], last],
    ['9112 6.1', 'a coding and a length', [coding, length(30)], last],
    ['9112 6.1', 'a length and a coding that agree on nothing', [length(5), coding], last],
    ['9112 6.1', 'a coding and a length that agree on nothing', [coding, length(5)], last],
    ['9112 6.1', 'a length and a coding, and a byte too many', [length(6), coding], `${last}X`],
    ['9112 6.1', 'a coding and a length, and a byte too many', [coding, length(30)], `${last}X`],
    ['9112 6.1', 'a GET behind the last chunk', [length(decoy.length), coding], decoy],
    ['9112 6.1', 'a HEAD behind the last chunk', [length(decoy.length + 1), coding], decoy.replace('GET', 'HEAD')],
    ['9110 8.6', 'a GET behind the last chunk, the length with a plus', [length(`+${decoy.length}`), coding], decoy],
    ['9110 8.6', 'a GET behind the last chunk, the length with a letter', [length(`${decoy.length}x`), coding], decoy],
    [
      '9112 5.2',
      'a GET behind the last chunk, the coding folded',
      [`${coding.replace(' ', '\r\n ')}`, length(decoy.length)],
      decoy,
    ],
    ['9112 6.1', 'a GET behind the last chunk, the coding with a space', [length(decoy.length), `${coding} `], decoy],
    [
      '9110 5.6.1',
      'a GET behind the last chunk, the coding with a comma',
      [length(decoy.length), 'Transfer-Encoding: , chunked'],
      decoy,
    ],
    [
      '9112 6.1',
      'a GET behind the last chunk, the coding in capitals',
      [length(decoy.length), 'Transfer-Encoding: Chunked'],
      decoy,
    ],
    [
      '9112 6.1',
      'a GET behind the last chunk, two codings',
      [coding, 'Transfer-Encoding: identity', length(decoy.length)],
      decoy,
    ],
    ['9112 6.1', 'a GET in a chunk', [coding, length(size.length + 2)], `${size}\r\n${inChunk}\r\n${last}`],
    [
      '9110 8.6',
      'a GET behind the shorter of two lengths',
      [length(4), length(4 + smuggled.length)],
      `PING${smuggled}`,
    ],
  ] as const
)
  .map(([section, name, fields, body]) => strictCase(section, name, post(fields, body), refused))
  .concat(
    strictCase(
      '9112 5.2',
      'OPTIONS with a folded coding and a length',
      `${head('OPTIONS / HTTP/1.1', 'Transfer-Encoding:', ' chunked', length(5))}hello`,
      refused,
    ),
  )
