import { statSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CserviceError } from '../../../src/common/errors.ts'
import { silentLog } from '../../../src/common/log.ts'
import { ControlServer } from '../../../src/supervisor/control/control-server.ts'
import { isLoopback } from '../../../src/supervisor/control/request-guard.ts'
import { request } from './request.ts'
import { command, deferred, freePort, registryOf, temporaryDirectory } from './resources.ts'

const release = { current: deferred() }

/** A control server with the access key KEY (and others) on a free port of 127.0.0.1. */
async function openServer(options: { accessKey?: string; host?: string } = {}) {
  release.current = deferred()
  const begun = deferred()
  const finished = deferred()
  const registry = registryOf(
    command('health', async () => 'OK'),
    command('echo', async (args) => args),
    command('length', async ([text]) => String(text).length),
    command('restart', async () => 'restarted', { level: 'local' }),
    command('internal', async () => 'no', { level: 'inproc' }),
    command('nothing', async () => undefined),
    command('private', async () => ({ a: 1, _b: 2, c: { _d: 3, e: 4 }, list: [{ _x: 1, y: 2 }] })),
    command('circle', async () => {
      const circle: Record<string, unknown> = {}
      circle.self = circle
      return circle
    }),
    command('fail', async () => {
      throw new CserviceError('NO_PROXY', undefined, { details: { secret: 'details' } })
    }),
    command('throw', async () => {
      throw new TypeError('cannot read')
    }),
    command('circular-error', async () => {
      const details: Record<string, unknown> = {}
      details.self = details
      throw new CserviceError('WORKER_FAILED', undefined, { details })
    }),
    command('wait', async () => {
      begun.resolve()
      await release.current.promise
      finished.resolve()
      return 'waited'
    }),
  )
  const directory = temporaryDirectory()
  const port = await freePort()
  const server = await ControlServer.open({
    registry,
    directory,
    port,
    host: '127.0.0.1',
    accessKey: 'KEY',
    log: silentLog(),
    ...options,
  })
  onTestFinished(() => server.kill())
  return {
    server,
    port,
    registry,
    socket: join(directory, 'control.sock'),
    begun: begun.promise,
    finished: finished.promise,
  }
}

const cli = (query: string) => ({ path: `/cli?${query}` })
const keyed = (cmd: string) => cli(`accessKey=KEY&cmd=${encodeURIComponent(cmd)}`)

describe('answers for people and old scripts', () => {
  test.each<[string, http.RequestOptions, number, string]>([
    ['another path', { path: '/' }, 404, 'Page Not Found'],
    ['a path without a query', { path: '/cli' }, 404, 'Page Not Found'],
    ['a path below', { path: '/cli/?cmd=health' }, 404, 'Page Not Found'],
    ['another path comes before another method', { path: '/x', method: 'GET' }, 404, 'Page Not Found'],
    ['another method', { ...keyed('health'), method: 'GET' }, 405, 'Method Not Allowed'],
    ['another method comes before no key', { ...cli('cmd=health'), method: 'PUT' }, 405, 'Method Not Allowed'],
    ['no key', cli('cmd=health'), 401, 'Not authorized'],
    ['a wrong key', cli('cmd=health&accessKey=key'), 401, 'Not authorized'],
    ['a key twice', cli('cmd=health&accessKey=KEY&accessKey=KEY'), 401, 'Not authorized'],
    ['a wrong key comes before an unknown command', cli('cmd=nope&accessKey=x'), 401, 'Not authorized'],
    ['no command', cli('accessKey=KEY'), 404, 'Not found. Try /help'],
    ['an unknown command', keyed('nope'), 404, 'Not found. Try /help'],
    ['a property of every object', keyed('constructor'), 404, 'Not found. Try /help'],
    ['a command that needs more', keyed('internal'), 401, "Not authorized to execute 'internal' remotely"],
    ['a line that cannot be taken apart', keyed('echo "x'), 400, 'A quotation mark (") is not closed'],
    ['an error of a command', keyed('fail'), 400, 'No proxy is running here'],
    ['an error that is none of ours', keyed('throw'), 400, 'cannot read'],
    ['a command without a result', keyed('nothing'), 200, 'No data'],
    ['a text', keyed('health'), 200, '"OK"'],
    ['typed words', keyed('echo 1 a {"b":true}'), 200, '[1,"a",{"b":true}]'],
    ['keys with an underscore in front', keyed('private'), 200, '{"a":1,"c":{"e":4},"list":[{"y":2}]}'],
    ['query in another order', cli('cmd=health&accessKey=KEY'), 200, '"OK"'],
    ['a key in the header', { ...cli('cmd=health'), headers: { authorization: 'Bearer KEY' } }, 200, '"OK"'],
    ['a loopback caller and a local command', keyed('restart all'), 200, '"restarted"'],
  ])('%s', async (_, options, status, text) => {
    const { port } = await openServer()
    const answer = await request(port, options)
    expect([answer.status, answer.text]).toEqual([status, text])
    expect(answer.headers['content-type']).toBe(
      status === 200 && text !== 'No data' ? 'text/json; charset=UTF-8' : 'text/plain; charset=utf-8',
    )
    expect(answer.text).not.toMatch(/\n\s+at /)
  })

  test('a result that is no JSON is an error, not a hang', async () => {
    const { port } = await openServer()
    expect(await request(port, keyed('circle'))).toMatchObject({
      status: 400,
      text: expect.stringContaining('no JSON'),
    })
  })

  test.each(['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'])(
    'a request that a proxy on this machine passes on, as %s tells, is not local',
    async (name) => {
      const { port } = await openServer()
      const answer = await request(port, { ...keyed('restart all'), headers: { [name]: '198.51.100.7' } })
      expect([answer.status, answer.text]).toEqual([401, "Not authorized to execute 'restart' remotely"])
      expect((await request(port, { ...keyed('health'), headers: { [name]: '198.51.100.7' } })).status).toBe(200)
    },
  )

  test('the body is appended to cmd, and does alone', async () => {
    const { port } = await openServer()
    expect((await request(port, keyed('echo'), ' a "b c"')).text).toBe('["a","b c"]')
    expect((await request(port, cli('accessKey=KEY'), 'echo x\n')).text).toBe('["x"]')
  })
})

describe('answers for our own client', () => {
  const negotiated = { headers: { 'x-cservice': '1' } }
  test.each<[string, http.RequestOptions, number, unknown]>([
    ['a result', keyed('health'), 200, { result: 'OK' }],
    ['no result', keyed('nothing'), 200, { result: null }],
    [
      'an error with its own status',
      keyed('circular-error'),
      500,
      { error: expect.objectContaining({ code: 'WORKER_FAILED' }) },
    ],
    [
      'an error with details',
      keyed('fail'),
      400,
      { error: expect.objectContaining({ code: 'NO_PROXY', details: { secret: 'details' } }) },
    ],
    [
      'an unknown command',
      keyed('helth'),
      404,
      { error: expect.objectContaining({ code: 'UNKNOWN_COMMAND', hint: expect.stringContaining('"health"') }) },
    ],
    ['a wrong key', cli('accessKey=x'), 401, { error: expect.objectContaining({ code: 'NOT_AUTHORISED' }) }],
    ['another path', { path: '/' }, 404, { error: expect.objectContaining({ code: 'BAD_REQUEST' }) }],
  ])('%s', async (_, options, status, body) => {
    const { port } = await openServer()
    const answer = await request(port, { ...options, ...negotiated })
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.text)).toEqual(body)
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
  })
})

test('GET /cservice says who we are, without a key', async () => {
  const { port, socket } = await openServer()
  for (const to of [port, socket]) {
    const answer = await request(to, { method: 'GET', path: '/cservice' })
    expect(JSON.parse(answer.text)).toEqual({
      service: 'cservice',
      version: expect.any(String),
      pid: process.pid,
      control: port,
    })
  }
})

test('keys with rights have these rights and no others', async () => {
  const { port } = await openServer({ accessKey: 'KEY;ro[health];gone:disabled' })
  const status = async (key: string, cmd: string) => (await request(port, cli(`accessKey=${key}&cmd=${cmd}`))).status
  expect(await status('KEY', 'restart')).toBe(200)
  expect(await status('ro', 'health')).toBe(200)
  expect(await status('ro', 'restart')).toBe(401)
  expect(await status('gone', 'health')).toBe(401)
})

test('after ten wrong keys an address gets 429, also with the right key; a missing key is no guess', async () => {
  const { port, socket } = await openServer()
  for (let i = 0; i < 12; i++) expect((await request(port, cli('cmd=health'))).status).toBe(401)
  for (let i = 0; i < 10; i++) expect((await request(port, cli(`cmd=health&accessKey=${i}`))).status).toBe(401)
  const blocked = await request(port, keyed('health'))
  expect(blocked.status).toBe(429)
  expect(Number(blocked.headers['retry-after'])).toBeGreaterThan(0)
  expect((await request(socket, cli('cmd=health'))).status).toBe(200)
})

test('a body over 1 MiB gets 413, announced or not, and one of 1 MiB is taken', async () => {
  const { port } = await openServer()
  const limit = 1024 * 1024
  expect((await request(port, keyed('health'), Buffer.alloc(limit + 1, 'x'))).status).toBe(413)
  expect(
    (
      await request(
        port,
        { ...keyed('health'), headers: { 'transfer-encoding': 'chunked' } },
        Buffer.alloc(3 * limit, 'x'),
      )
    ).status,
  ).toBe(413)
  expect((await request(port, cli('accessKey=KEY'), `length ${'x'.repeat(limit - 7)}`)).text).toBe(String(limit - 7))
})

test('a request of a web page is refused: an Origin, or a Host of another name', async () => {
  const { port } = await openServer({ host: 'localhost' })
  const status = async (headers: http.OutgoingHttpHeaders) =>
    (await request(port, { ...keyed('health'), host: 'localhost', headers })).status
  expect(await status({ origin: 'http://localhost:3000' })).toBe(401)
  expect(await status({ origin: 'null' })).toBe(401)
  expect(await status({ host: 'evil.example' })).toBe(401)
  expect(await status({ host: `evil.example:${port}` })).toBe(401)
  expect(await status({ host: 'localhost.evil.example' })).toBe(401)
  for (const host of ['localhost', `LOCALHOST:${port}`, '127.0.0.1', '10.1.2.3:80', '[::1]:80'])
    expect(await status({ host })).toBe(200)
})

test('the control socket can be opened by its owner only, and needs no key', async () => {
  const { socket } = await openServer()
  expect(statSync(socket).mode & 0o777).toBe(0o600)
  expect((await request(socket, cli('cmd=restart+all'))).text).toBe('"restarted"')
  expect((await request(socket, cli('cmd=internal'))).status).toBe(401)
})

test('a socket that a dead service left behind is replaced', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'control.sock')
  writeFileSync(path, '')
  const server = await ControlServer.open({
    registry: registryOf(command('health', async () => 'OK')),
    directory,
    port: 1,
    host: 'localhost',
    log: silentLog(),
  })
  onTestFinished(() => server.kill())
  expect((await request(path, cli('cmd=health'))).text).toBe('"OK"')
})

test('a port that another program has is an error that says so, and the socket is closed again', async () => {
  const foreign = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => foreign.once('listening', resolve))
  onTestFinished(() => void foreign.close())
  const directory = temporaryDirectory()
  const { port } = foreign.address() as net.AddressInfo
  const opening = ControlServer.open({
    registry: registryOf(),
    directory,
    port,
    host: '127.0.0.1',
    accessKey: 'k',
    log: silentLog(),
  })
  await expect(opening).rejects.toMatchObject({ code: 'PORT_TAKEN', message: expect.stringContaining(String(port)) })
  await expect(request(join(directory, 'control.sock'), cli('cmd=health'))).rejects.toThrow()
})

test('a command whose client leaves goes on to its end', async () => {
  const { port, begun, finished } = await openServer()
  const req = http.request({ host: '127.0.0.1', port, method: 'POST', ...keyed('wait') })
  req.on('error', () => {})
  req.end()
  await begun
  req.destroy()
  release.current.resolve()
  await finished
})

test('a stop lets the answer of a running command arrive, and takes no new ones', async () => {
  const { server, port, socket, begun } = await openServer()
  const idle = net.connect(port, '127.0.0.1')
  await new Promise((resolve) => idle.once('connect', resolve))
  const answer = request(port, keyed('wait'))
  await begun
  const stopped = server.stop()
  await expect(request(socket, cli('cmd=health'))).rejects.toThrow()
  release.current.resolve()
  expect((await answer).text).toBe('"waited"')
  await stopped
  await expect(request(port, keyed('health'))).rejects.toThrow()
  idle.destroy()
})

test('a stop does not wait for a command for ever', async () => {
  const { server, port, begun } = await openServer()
  const answer = request(port, keyed('wait'))
  answer.catch(() => {})
  await begun
  await server.stop(50)
  await expect(answer).rejects.toThrow()
})

test.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'])('%s is loopback', (address) =>
  expect(isLoopback(address)).toBe(true),
)
test.each(['128.0.0.1', '10.0.0.1', '::2', '::ffff:10.0.0.1', '', 'localhost'])('"%s" is not loopback', (address) =>
  expect(isLoopback(address)).toBe(false),
)
