import http from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { CserviceError } from '../../../src/common/errors.ts'
import { EventStreams } from '../../../src/supervisor/control/event-streams.ts'
import { rawConnection } from '../../support/raw-http.ts'
import { request } from './request.ts'
import { command, deferred, registryOf } from './resources.ts'
import { openControl, watch } from './server.ts'

const bearer = { authorization: 'Bearer KEY' }
const run = (to: number | string, cmd: string, headers: http.OutgoingHttpHeaders = {}) =>
  request(to, { path: `/cli?cmd=${encodeURIComponent(cmd)}`, headers: { ...bearer, ...headers } })

function commands() {
  const release = deferred()
  return {
    release,
    list: [
      command('restart', async (_, { report }) => {
        report('1 of 2')
        report('2 of 2')
        return 'done'
      }),
      command('fail', async () => {
        throw new CserviceError('WORKER_FAILED', 'it died')
      }),
      command('internal', async () => 'no', { level: 'inproc' }),
      command('workers', async () => ({ workers: [] }), { runsAtOnce: () => true }),
      command('wait', async () => {
        await release.promise
        return 'waited'
      }),
    ],
  }
}

test('a long command is watched from its start to its end, over REST and over the control socket', async () => {
  const { port, socket } = await openControl(commands().list)
  for (const to of [port, socket]) {
    const watcher = await watch(to, bearer)
    expect(watcher.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    await run(to, 'restart all {"timeout":5,"API_TOKEN":"SECRET"}', { 'x-cservice-call': `call-${to === port}` })
    await watcher.until(({ type }) => type === 'finished')
    expect(watcher.events.map(({ type, value }) => [type, value.text])).toEqual([
      ['started', undefined],
      ['progress', '1 of 2'],
      ['progress', '2 of 2'],
      ['finished', undefined],
    ])
    expect(watcher.events[0]?.value).toEqual({
      id: `call-${to === port}`,
      type: 'started',
      command: 'restart',
      words: ['all', '{"timeout":5,"API_TOKEN":"***"}'],
      caller: expect.any(String),
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    })
    expect(watcher.events.at(-1)?.value).toMatchObject({ durationMs: expect.any(Number) })
    watcher.close()
  }
})

test('a command that fails says why, and calls without an id get one each', async () => {
  const { port } = await openControl(commands().list)
  const watcher = await watch(port, bearer)
  await run(port, 'fail')
  await run(port, 'fail')
  const failed = () => watcher.events.filter(({ type }) => type === 'failed')
  await watcher.until(() => failed().length === 2)
  expect(failed()[0]?.value.error).toEqual({ code: 'WORKER_FAILED', message: 'it died' })
  expect(new Set(failed().map(({ value }) => value.id)).size).toBe(2)
})

test.each(['', 'a b', 'a_b', 'x'.repeat(65), 'ü', 'a, b'])('the call id "%s" is refused', async (id) => {
  const { port } = await openControl(commands().list)
  const answer = await run(port, 'restart', { 'x-cservice-call': Buffer.from(id).toString('latin1') })
  expect([answer.status, answer.text]).toEqual([400, 'x-cservice-call must be 1 to 64 letters, digits and dashes'])
})

test('events want a key as commands do, and wrong ones count against the address', async () => {
  const { port } = await openControl(commands().list)
  const get = (path: string, headers = {}) => request(port, { method: 'GET', path, headers })
  expect(await get('/events')).toMatchObject({ status: 401, text: 'Not authorized' })
  expect((await request(port, { method: 'POST', path: '/events', headers: bearer })).status).toBe(405)
  expect((await get('/events/', bearer)).status).toBe(404)
  expect((await get('/events', { ...bearer, origin: 'http://localhost' })).status).toBe(401)
  const byQuery = await new Promise<http.IncomingMessage>((resolve) => {
    const req = http.get({ host: '127.0.0.1', port, path: '/events?accessKey=KEY', agent: false }, resolve)
    req.on('error', () => {})
    onTestFinished(() => void req.destroy())
  })
  expect(byQuery.statusCode).toBe(200)
  for (let count = 0; count < 10; count++) await get('/events', { authorization: `Bearer ${count}` })
  expect((await get('/events', bearer)).status).toBe(429)
})

test('a key sees the events of the commands that it may run, and of no others', async () => {
  const { port, registry } = await openControl(commands().list, { accessKey: 'KEY;ro[restart]' })
  const all = await watch(port, bearer)
  const some = await watch(port, { authorization: 'Bearer ro' })
  registry.events.publish('worker-started', { pid: 1 })
  await registry.run('internal', { level: 'inproc', name: 'test' })
  await run(port, 'fail')
  await run(port, 'restart')
  const isEnd = ({ type, command }: Record<string, unknown>) => type === 'finished' && command === 'restart'
  await Promise.all([all.until(isEnd), some.until(isEnd)])
  expect(new Set(all.events.map(({ value }) => value.command))).toEqual(new Set([undefined, 'fail', 'restart']))
  expect(new Set(some.events.map(({ value }) => value.command))).toEqual(new Set(['restart']))
  registry.setLevels({ restart: 'inproc' })
  registry.events.record({ id: 'x', type: 'finished', command: 'restart', words: [], caller: 'test' })
  registry.events.publish('last', {})
  await all.until(({ type }) => type === 'last')
  expect(all.events.some(({ value }) => value.id === 'x')).toBe(false)
})

test('events of the service are made JSON-safe, and a wrong type is a fault of ours', async () => {
  const { port, registry } = await openControl(commands().list)
  const watcher = await watch(port, bearer)
  const data: Record<string, unknown> = { pid: 7, env: { API_TOKEN: 'SECRET' } }
  data.self = data
  registry.events.publish('worker-exited', data)
  expect(await watcher.until(({ type }) => type === 'worker-exited')).toMatchObject({
    data: { pid: 7, env: { API_TOKEN: '***' }, self: '[circular]' },
  })
  registry.events.publish('large', 'x'.repeat(100_000))
  expect(await watcher.until(({ type }) => type === 'large')).toMatchObject({ data: { isTooLarge: true } })
  expect(() => registry.events.publish('a\nb', {})).toThrow('no type')
})

test('Last-Event-ID brings what was missed, as far as it is kept', async () => {
  const { port, registry } = await openControl(commands().list)
  const first = await watch(port, bearer)
  for (let count = 0; count < 3; count++) registry.events.publish('tick', count)
  await first.until(({ data }) => data === 2)
  const seen = first.events[0]?.id ?? ''
  first.close()
  const second = await watch(port, { ...bearer, 'last-event-id': seen })
  await second.until(({ data }) => data === 2)
  expect(second.events.map(({ value }) => value.data)).toEqual([1, 2])
  for (let count = 3; count < 400; count++) registry.events.publish('tick', count)
  for (const id of [seen, 'of-another-service', '\u00fc']) {
    const third = await watch(port, { ...bearer, 'last-event-id': id })
    await third.until(({ data }) => data === 399)
    expect(third.events.length).toBe(256)
    third.close()
  }
  const fresh = await watch(port, bearer)
  registry.events.publish('now', null)
  await fresh.until(({ type }) => type === 'now')
  expect(fresh.events.length).toBe(1)
})

test('a watcher that has missed a lot gets the newest of it, and is not cut off for it', async () => {
  const { port, registry } = await openControl(commands().list)
  for (let count = 0; count < 256; count++) registry.events.publish('tick', { count, text: 'ü'.repeat(60_000) })
  const watcher = await watch(port, { ...bearer, 'last-event-id': 'x' })
  await watcher.until(({ data }) => (data as { count?: number }).count === 255)
  expect(watcher.events.map(({ value }) => (value.data as { count: number }).count)).toEqual([252, 253, 254, 255])
  registry.events.publish('now', null)
  await watcher.until(({ type }) => type === 'now')
})

test('there is room for sixteen watchers at each entrance, and a place that is given back is free', async () => {
  const { port, socket } = await openControl(commands().list)
  const watchers = await Promise.all(Array.from({ length: 16 }, () => watch(port, bearer)))
  const refused = await request(port, { method: 'GET', path: '/events', headers: bearer })
  expect([refused.status, refused.text]).toEqual([503, 'Too many clients watch the events'])
  expect((await watch(socket)).status).toBe(200)
  expect((await run(port, 'restart')).status).toBe(200)
  watchers[0]?.close()
  let status = 503
  while (status === 503) {
    const next = await watch(port, bearer)
    status = next.status
  }
  expect(status).toBe(200)
})

test('a watcher that does not read is dropped, and the others go on', async () => {
  const { port, registry } = await openControl(commands().list)
  const slow = await rawConnection(port)
  slow.write('GET /events?accessKey=KEY HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await slow.readUntil('events of cservice')
  slow.socket.pause()
  const other = await watch(port, bearer)
  const text = 'x'.repeat(60_000)
  for (let count = 0; count < 400; count++) {
    registry.events.publish('flood', { count, text })
    await new Promise(setImmediate)
  }
  await other.until(({ data }) => (data as { count?: number }).count === 399)
  slow.socket.resume()
  await slow.closed()
  expect(slow.received).not.toContain('"count":399')
}, 20_000)

test('a stop ends the streams in order and does not wait for them; a command under way is still answered', async () => {
  const { list, release } = commands()
  const { port, socket, server } = await openControl(list)
  const watchers = [await watch(port, bearer), await watch(socket)]
  const answer = run(port, 'wait')
  await watchers[0]?.until(({ type, command }) => type === 'started' && command === 'wait')
  const stopped = server.stop()
  expect(await Promise.all(watchers.map(({ ended }) => ended))).toEqual([true, true])
  release.resolve()
  expect((await answer).text).toBe('"waited"')
  await stopped
})

test('a stop does not wait for a watcher that does not read', async () => {
  const { port, registry, server } = await openControl(commands().list)
  const slow = await rawConnection(port)
  slow.write('GET /events?accessKey=KEY HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await slow.readUntil('events of cservice')
  slow.socket.pause()
  for (let count = 0; count < 100; count++) {
    registry.events.publish('flood', 'x'.repeat(60_000))
    await new Promise(setImmediate)
  }
  await server.stop(60_000)
})

test('a stream that has ended takes nobody in', () => {
  const streams = new EventStreams(registryOf().events)
  streams.end()
  expect(() => streams.admit()).toThrow(expect.objectContaining({ code: 'SHUTTING_DOWN' }))
})
