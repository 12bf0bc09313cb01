import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { customCommand } from '../../../src/supervisor/control/custom-command.ts'
import { rawConnection } from '../../support/raw-http.ts'
import { request } from './request.ts'
import { command } from './resources.ts'
import { openControl, watch } from './server.ts'

const bearer = { authorization: 'Bearer KEY' }
const health = command('health', async () => 'OK')
const post = (cmd: string, ...lines: string[]) =>
  [`POST /cli?accessKey=KEY&cmd=${cmd} HTTP/1.1`, 'Host: localhost', ...lines, '', ''].join('\r\n')

test('what a client sends behind its request, without waiting, is not run', async () => {
  let runs = 0
  const count = command('count', async () => ++runs)
  const { port } = await openControl([count])
  const connection = await rawConnection(port)
  connection.write(post('count', 'Content-Length: 0').repeat(5))
  expect((await connection.answer()).body).toBe('1')
  await connection.closed()
  expect(runs).toBe(1)
})

test.each([
  ['a head without an end', `POST /cli?accessKey=KEY HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}`, '431'],
  ['a path without an end', `POST /cli?cmd=${'x'.repeat(100_000)}`, '431'],
  ['two lengths', post('health', 'Content-Length: 0', 'Content-Length: 5'), '400'],
  ['a length and chunks', post('health', 'Content-Length: 0', 'Transfer-Encoding: chunked'), '400'],
  ['a line end in a call id', post('health', 'x-cservice-call: a\r b', 'Content-Length: 0'), '400'],
  ['two call ids', post('health', 'x-cservice-call: a', 'x-cservice-call: b', 'Content-Length: 0'), '400'],
  ['no HTTP', '\x16\x03\x01\x02\x00\x01', '400'],
])('%s is refused, and the next request is answered', async (_, bytes, status) => {
  const { port } = await openControl([health])
  const connection = await rawConnection(port)
  connection.write(bytes)
  expect(await connection.readUntil('\r\n')).toContain(status)
  expect((await request(port, { path: '/cli?cmd=health', headers: bearer })).text).toBe('"OK"')
})

test.each([
  ['as it is', 'Bearer k€y', 200],
  ['in the query', null, 200],
  ['as Latin-1', 'latin1', 401],
  ['percent-encoded in the header', 'Bearer k%E2%82%ACy', 401],
  ['with a space behind', 'Bearer k€y x', 401],
  ['as another scheme', 'Basic k€y', 401],
  ['empty', 'Bearer ', 401],
])('a key that is no ASCII, given %s', async (_, header, status) => {
  const { port } = await openControl([health], { accessKey: 'k€y' })
  const path = `/cli?cmd=health${header === null ? `&accessKey=${encodeURIComponent('k€y')}` : ''}`
  const bytes = header === 'latin1' ? 'Bearer k\x80y' : Buffer.from(header ?? '', 'utf8').toString('latin1')
  const headers = header === null ? {} : { authorization: bytes }
  expect((await request(port, { path, headers })).status).toBe(status)
})

test('a key in the header and one in the query are one too many, also when they are the same', async () => {
  const { port } = await openControl([health])
  const path = '/cli?cmd=health&accessKey=KEY'
  expect((await request(port, { path, headers: bearer })).status).toBe(401)
  const twice = await rawConnection(port)
  twice.write(
    'POST /cli?cmd=health HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\nAuthorization: Bearer KEY\r\nContent-Length: 0\r\n\r\n',
  )
  expect((await twice.answer()).status).toBe(401)
})

test.each<[string, () => unknown, number, RegExp]>([
  [
    'with a getter that throws',
    () => ({
      get sour() {
        throw new Error('sour')
      },
    }),
    400,
    /no JSON: sour/,
  ],
  [
    'with a toJSON that throws a text',
    () => ({
      toJSON: () => {
        throw 'bad'
      },
    }),
    400,
    /no JSON: bad/,
  ],
  ['with a big integer', () => ({ big: 7n }), 400, /no JSON: .*BigInt/],
  [
    'with a cycle',
    () => {
      const circle: unknown[] = []
      circle.push(circle)
      return circle
    },
    400,
    /no JSON: .*circular/,
  ],
  ['that is a function', () => () => {}, 200, /^No data$/],
  ['that is a symbol', () => Symbol('x'), 200, /^No data$/],
  ['that is zero', () => 0, 200, /^No data$/],
  ['that is false', () => false, 200, /^No data$/],
  ['that is an empty text', () => '', 200, /^No data$/],
  ['that is null', () => null, 200, /^No data$/],
  ['that is an empty list', () => [], 200, /^\[\]$/],
  [
    'with private keys at any depth',
    () => ({ _a: 1, b: [{ _c: 1, d: { _e: 1, f: 2 } }] }),
    200,
    /^{"b":\[{"d":{"f":2}}\]}$/,
  ],
])('a result %s is answered', async (_, make, status, text) => {
  const own = customCommand('own', (_event, callback) => callback(null, make()), { service: null, locals: null })
  const { port } = await openControl([own])
  const answer = await request(port, { path: '/cli?cmd=own', headers: bearer })
  expect(answer.status).toBe(status)
  expect(answer.text).toMatch(text)
  const negotiated = await request(port, { path: '/cli?cmd=own', headers: { ...bearer, 'x-cservice': '1' } })
  expect(Object.keys(JSON.parse(negotiated.text))).toEqual([status === 200 ? 'result' : 'error'])
})

test('thousands of connections that ask for events do not keep commands of the control socket away', async () => {
  const { port, socket, registry } = await openControl([health])
  const sockets = Array.from({ length: 2_000 }, () => {
    const client = connect(port, '127.0.0.1')
    client.on('error', () => {})
    client.on('connect', () => client.write('GET /events?accessKey=KEY HTTP/1.1\r\nHost: localhost\r\n\r\n'))
    return client
  })
  try {
    expect((await request(socket, { path: '/cli?cmd=health' })).text).toBe('"OK"')
    const watcher = await watch(socket)
    registry.events.publish('tick', null)
    await watcher.until(({ type }) => type === 'tick')
  } finally {
    for (const client of sockets) client.destroy()
  }
  let answer = ''
  while (answer === '') {
    // Until the server has seen that they are gone, it takes no more.
    answer = await request(port, { path: '/cli?cmd=health', headers: bearer }).then(
      ({ text }) => text,
      () => '',
    )
  }
  expect(answer).toBe('"OK"')
}, 30_000)

test('a client that hangs up on a command that never answers leaves nothing behind', async () => {
  const { port, server } = await openControl([
    customCommand('never', () => {}, { service: null, locals: null }),
    health,
  ])
  const watcher = await watch(port, bearer)
  const client = connect(port, '127.0.0.1')
  client.write(post('never', 'Content-Length: 0'))
  await watcher.until(({ type, command }) => type === 'started' && command === 'never')
  client.destroy()
  expect((await request(port, { path: '/cli?cmd=health', headers: bearer })).text).toBe('"OK"')
  await server.stop(60_000)
})
