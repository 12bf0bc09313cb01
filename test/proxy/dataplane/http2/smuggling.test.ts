import { expect, test } from 'vitest'
import { block, ErrorCode, Flag, frame, request, Type } from '../../../support/http2-frames.ts'
import { startRecordingWorker } from '../fast/recording-worker.ts'
import { dialFrames, startClearGateway } from './h2-harness.ts'

/**
 * What reaches a worker is written as text: whatever could end a line, a head or a body too early, or make a second request
 * out of one, must never get that far. After each, a plain request shows that nothing of it was left behind.
 */

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n'
type Pseudo = Parameters<typeof request>[0]
type Line = readonly [string, string]

/** Name, pseudo-header fields, header lines, DATA (null: none), and what becomes of it. */
/**
 * `refused`: reset as a protocol error, or answered 4xx or 501, as the HTTP/2 library at hand sees it; nothing reaches a worker.
 * `cleaned`: the library drops the field before anybody sees it (nghttp2 does), or refuses the request.
 */
type Outcome = 'refused' | 'cleaned' | 'carried'

const cases: ReadonlyArray<[string, Pseudo, Line[], string | null, Outcome]> = [
  ['CR LF in a value', {}, [['x', `a\r\n\r\n${smuggled}`]], null, 'cleaned'],
  ['LF in a value', {}, [['x', 'a\nb: c']], null, 'cleaned'],
  ['CR in a value', {}, [['x', 'a\rb']], null, 'cleaned'],
  ['NUL in a value', {}, [['x', 'a\0b']], null, 'cleaned'],
  ['CR LF in a name', {}, [['x: a\r\nb', 'c']], null, 'cleaned'],
  ['a colon in a name', {}, [['x:y', 'c']], null, 'cleaned'],
  ['a space in a name', {}, [['x y', 'c']], null, 'cleaned'],
  ['an empty name', {}, [['', 'c']], null, 'cleaned'],
  ['capitals in a name', {}, [['X-Big', 'c']], null, 'refused'],
  ['CR LF in the method', { method: `GET / HTTP/1.1\r\nHost: h\r\n\r\n${smuggled}` }, [], null, 'refused'],
  ['a space in the method', { method: 'GET /smuggled' }, [], null, 'refused'],
  ['an empty method', { method: '' }, [], null, 'refused'],
  ['CR LF in the path', { path: `/ HTTP/1.1\r\nHost: h\r\n\r\n${smuggled}` }, [], null, 'refused'],
  ['a space in the path', { path: '/a /smuggled' }, [], null, 'refused'],
  ['a tab in the path', { path: '/a\t/smuggled' }, [], null, 'refused'],
  ['a high byte in the path', { path: '/\xe4' }, [], null, 'refused'],
  ['a fragment in the path', { path: '/a#b' }, [], null, 'refused'],
  ['an empty path', { path: '' }, [], null, 'refused'],
  ['a path without a slash', { path: 'smuggled' }, [], null, 'refused'],
  ['a whole URL as path', { path: 'http://other/' }, [], null, 'refused'],
  ['an asterisk with GET', { path: '*' }, [], null, 'refused'],
  ['CR LF in the authority', { authority: 'h\r\nx: y' }, [], null, 'refused'],
  ['a space in the authority', { authority: 'a b' }, [], null, 'refused'],
  ['user info in the authority', { authority: 'user@h' }, [], null, 'refused'],
  ['a path in the authority', { authority: 'h/x' }, [], null, 'refused'],
  ['an empty authority', { authority: '' }, [], null, 'refused'],
  ['no authority and no host', { authority: null }, [], null, 'refused'],
  ['a host that differs', { authority: 'a' }, [['host', 'b']], null, 'refused'],
  [
    'two hosts',
    { authority: null },
    [
      ['host', 'a'],
      ['host', 'a'],
    ],
    null,
    'refused',
  ],
  ['two authorities', { authority: 'a' }, [[':authority', 'b']], null, 'refused'],
  [
    'a pseudo-header behind a field',
    {},
    [
      ['x', 'y'],
      [':path', '/smuggled'],
    ],
    null,
    'refused',
  ],
  ['an unknown pseudo-header', {}, [[':x', 'y']], null, 'refused'],
  ['two methods', {}, [[':method', 'POST']], null, 'refused'],
  ['CR LF in the scheme', { scheme: 'http\r\nx: y' }, [], null, 'refused'],
  ['another scheme', { scheme: 'ftp' }, [], null, 'refused'],
  ['transfer-encoding', { method: 'POST' }, [['transfer-encoding', 'chunked']], `0\r\n\r\n${smuggled}`, 'refused'],
  [
    'transfer-encoding with a length',
    { method: 'POST' },
    [
      ['transfer-encoding', 'chunked'],
      ['content-length', '5'],
    ],
    'hello',
    'refused',
  ],
  ['connection', {}, [['connection', 'x-forwarded-for']], null, 'refused'],
  ['proxy-connection', {}, [['proxy-connection', 'keep-alive']], null, 'refused'],
  ['keep-alive', {}, [['keep-alive', 'timeout=5']], null, 'refused'],
  ['upgrade', {}, [['upgrade', 'websocket']], null, 'refused'],
  ['te other than trailers', {}, [['te', 'gzip']], null, 'refused'],
  ['a length that is too short', { method: 'POST' }, [['content-length', '2']], `12${smuggled}`, 'refused'],
  ['a length that is too long', { method: 'POST' }, [['content-length', '50']], 'short', 'refused'],
  ['a length without a body', { method: 'POST' }, [['content-length', '5']], null, 'refused'],
  ['a length of 0 with a body', { method: 'POST' }, [['content-length', '0']], smuggled, 'refused'],
  [
    'two lengths',
    { method: 'POST' },
    [
      ['content-length', '5'],
      ['content-length', '5'],
    ],
    'hello',
    'refused',
  ],
  ['a list of lengths', { method: 'POST' }, [['content-length', '5, 5']], 'hello', 'refused'],
  ['a signed length', { method: 'POST' }, [['content-length', '+5']], 'hello', 'refused'],
  ['a length in hex', { method: 'POST' }, [['content-length', '0x5']], 'hello', 'refused'],
  ['CONNECT', { method: 'CONNECT', scheme: null, path: null, authority: 'h:80' }, [], null, 'refused'],
  ['CONNECT with a path', { method: 'CONNECT' }, [], null, 'refused'],
  ['an expectation nobody knows', {}, [['expect', 'magic']], null, 'refused'],
  ['a body without a length that looks like chunks', { method: 'POST' }, [], `0\r\n\r\n${smuggled}`, 'carried'],
  ['a GET with such a body', {}, [], `0\r\n\r\n${smuggled}`, 'carried'],
  [
    'a DELETE with such a body',
    { method: 'DELETE' },
    [['content-length', String(smuggled.length)]],
    smuggled,
    'carried',
  ],
  ['te: trailers', {}, [['te', 'trailers']], null, 'carried'],
  ['http2-settings, which only HTTP/1.1 knows', {}, [['http2-settings', 'AAMAAABk']], null, 'carried'],
]

test.each(cases)('%s', async (_name, pseudo, lines, data, expected) => {
  const worker = await startRecordingWorker(() => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  const gateway = await startClearGateway({ v1: [worker.target] })
  const client = dialFrames(gateway)
  client.headers(1, request({ ...pseudo }, ...lines), data === null ? Flag.endStream : 0)
  if (data !== null) client.send(frame(Type.data, Flag.endStream, 1, data))
  // Newer Node lines end the connection over a length that is not kept to.
  const first = await client.until(
    ({ type, stream }) => type === Type.goaway || (stream === 1 && (type === Type.reset || type === Type.headers)),
  )
  const after = first.type === Type.goaway ? dialFrames(gateway) : client
  after.headers(3, request({ path: '/after' }))
  const isOk = first.type === Type.headers && first.payload[0] === 0x88
  if (first.type === Type.reset) expect(first.payload.readUInt32BE(0)).toBe(ErrorCode.protocol)
  if (expected !== 'cleaned') expect(isOk).toBe(expected === 'carried')
  await after.until(({ type, stream }) => type === Type.headers && stream === 3)
  expect(worker.faults).toEqual([])
  const seen = worker.requests.map(({ line }) => line)
  expect(seen.filter((line) => line.includes('smuggled'))).toEqual([])
  expect(seen.filter((line) => line === 'GET /after HTTP/1.1')).toHaveLength(1)
  expect(seen.length).toBe(isOk ? 2 : 1)
  if (expected === 'cleaned') expect(worker.streams.join('')).not.toMatch(/\nx|b: c|\0/)
})

test('trailers cannot bring what a header could not', async () => {
  const worker = await startRecordingWorker(() => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  const client = dialFrames(await startClearGateway({ v1: [worker.target] }))
  for (const [index, line] of [
    ['x', 'a\r\nb: c'],
    ['x:y', 'z'],
    [':path', '/x'],
    ['transfer-encoding', 'chunked'],
  ].entries()) {
    const stream = 1 + 2 * index
    client.headers(stream, request({ method: 'POST' }), 0).send(frame(Type.data, 0, stream, 'body'))
    client.headers(stream, block(line as [string, string]))
    await client.until((one) => one.stream === stream && (one.type === Type.reset || one.type === Type.headers))
  }
  expect(worker.faults).toEqual([])
  expect(worker.streams.join('')).not.toMatch(/\r\n(?:b: c|x:y|:path|x: a)/)
})
