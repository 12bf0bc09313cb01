/** What a worker answers, and what its client gets: `broken` is an answer that has begun and is cut off. */
export type Relayed = 200 | 204 | 304 | 502 | 'broken'

const ok = 'HTTP/1.1 200 OK\r\n'
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`

/** RFC and section, name, the bytes of the answer, after which the worker ends the connection, and what comes of it. */
export const answerCases: ReadonlyArray<readonly [section: string, name: string, answer: string, relayed: Relayed]> = [
  ['9112 4', 'an answer as plain as can be', `${ok}Content-Length: 2\r\n\r\nok`, 200],
  ['9112 4', 'no reason', 'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok', 200],
  ['9112 4', 'HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', 200],
  ['9112 4', 'another protocol', 'SSH-2.0-x\r\n\r\n', 502],
  ['9112 4', 'a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok', 502],
  ['9112 4', 'a status below 100', 'HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\nok', 502],
  ['9112 2.3', 'HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok', 502],
  ['9112 5', 'a line without a colon', `${ok}Nothing\r\nContent-Length: 2\r\n\r\nok`, 502],
  ['9112 5.1', 'a space before a colon', `${ok}Content-Length : 2\r\n\r\nok`, 502],
  ['9112 5.2', 'a folded field', `${ok}X-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok`, 502],
  ['9112 2.2', 'bare LFs', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', 502],
  ['9112 2.2', 'a bare CR in a value', `${ok}X-A: b\rc\r\nContent-Length: 2\r\n\r\nok`, 502],
  ['9110 5.5', 'a NUL in a value', `${ok}X-A: \0\r\nContent-Length: 2\r\n\r\nok`, 502],
  ['9110 8.6', 'a length that is none', `${ok}Content-Length: x\r\n\r\nok`, 502],
  ['9110 8.6', 'two lengths', `${ok}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!`, 502],
  ['9112 6.3', 'a length and a coding', `${ok}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 502],
  ['9112 6.3', 'neither length nor coding', `${ok}\r\nok`, 200],
  ['9112 8', 'a body that is too short', `${ok}Content-Length: 20\r\n\r\nok`, 'broken'],
  ['9112 8', 'chunks without the last one', `${chunked}2\r\nok\r\n`, 'broken'],
  ['9112 7.1', 'a chunk size that is none', `${chunked}2\r\nok\r\nx\r\n\r\n`, 'broken'],
  ['9112 7.1', 'chunks', `${chunked}2\r\nok\r\n0\r\n\r\n`, 200],
  ['9110 15.3.5', 'a 204 with a length', 'HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\n', 204],
  ['9110 15.4.5', 'a 304 with a length', 'HTTP/1.1 304 Same\r\nContent-Length: 2\r\n\r\n', 304],
  [
    '9110 15.2',
    'an interim answer before it',
    `HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n${ok}Content-Length: 2\r\n\r\nok`,
    200,
  ],
  ['9110 15.2.2', 'a 101 that nobody asked for', 'HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n', 502],
]
