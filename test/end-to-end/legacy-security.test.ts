import { existsSync, rmSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { onFileFinish } from '../support/on-finish.ts'
import { environmentOf } from '../support/processes.ts'
import { type ServicePlace, startService } from '../support/start-service.ts'
import { steeredServer } from '../support/steered-server.ts'

/*
 * How cluster-service 2.1.4 let strangers in (LEGACY 9.3), tried with ours. Not here, since it is tested elsewhere:
 *
 * | recipe                                              | test                                                           |
 * |-----------------------------------------------------|----------------------------------------------------------------|
 * | paths and names of prototypes in the version header | routing.test.ts "a name that is no version"                    |
 * | header values that each start a process             | routing.test.ts, cold-start.test.ts "maxRunningVersions"       |
 * | a listener of somebody else gets the key on attach  | test/supervisor/control/client.test.ts, tls.test.ts            |
 * | keys that are compared byte by byte                 | test/supervisor/control/access.test.ts                         |
 * | user and group that are never changed, and a worker that ends the service | plain-services.test.ts "run as nobody"   |
 */

const secret = 'secret-key-of-this-service'
const keys = `${secret};reader-key[health,info];off-key:disabled`
const onFinish = onFileFinish()
let service: ServicePlace

beforeAll(async () => {
  const files = {
    'server.js': steeredServer('v1'),
    'inject.js': `require('node:fs').writeFileSync(__dirname + '/injected', '')`,
    'commands/breaks.js': `module.exports = () => { throw new TypeError('broken') }`,
    'commands/fails.js': `module.exports = (event, cb) => cb(new RangeError('failed'))`,
    'commands/circles.js': 'module.exports = async () => { const circle = {}; circle.circle = circle; return circle }',
  }
  const words = ['server.js', '--workerCount', '2', '--commands', 'commands']
  // Not among the words: those of a process can be seen by everybody.
  const env = { CSERVICE_ACCESS_KEY: keys, CSERVICE_LOG_LEVEL: 'trace' }
  service = await startService(words, { files, env, accessKey: null, onFinish })
})

describe('the access key', () => {
  it('is in no command line, no environment of a worker, no answer and no log', async () => {
    const answers = await Promise.all(
      ['workers', 'workers details', 'info', 'help', 'options', 'locals'].map(async (line) => {
        const res = await call(line)
        expect(res.status).toBe(200)
        return await res.text()
      }),
    )
    expect(service.output).toMatch(/"command":"workers"/) // the log has it all
    const processes = service.processes()
    expect(processes).toHaveLength(3)
    const workers = processes.filter(({ pid }) => pid !== service.pid)
    const seen = [
      ...answers,
      ...processes.map(({ command }) => command),
      ...workers.map(({ pid }) => JSON.stringify(environmentOf(pid))),
      service.output,
    ]
    expect(seen.filter((text) => /secret-key|reader-key|off-key/.test(text))).toEqual([])
  })

  it('has the rights that stand behind it, each key its own', async () => {
    const statuses = async (key: string) =>
      await Promise.all(
        ['health', 'info', 'workers', 'restart all'].map(async (line) => (await call(line, key)).status),
      )
    expect(await statuses(secret)).toEqual([200, 200, 200, 200])
    expect(await statuses('reader-key')).toEqual([200, 200, 401, 401])
    expect((await call('health', 'off-key')).status).toBe(401)
    expect((await call('health', keys)).status).toBe(401)
  })
})

it('no answer has a stack trace in it, or a path of our own files', async () => {
  const lines = [
    'breaks',
    'fails',
    'circles',
    'restart all "text"',
    'restart',
    'nope',
    'start nowhere.js',
    'proxy info',
  ]
  const answers = await Promise.all(
    lines.map(async (line) => {
      const res = await call(line)
      return { line, status: res.status, text: await res.text() }
    }),
  )
  expect(answers.map(({ line, status }) => [line, status])).toEqual(
    lines.map((line) => [line, line === 'nope' ? 404 : 400]),
  )
  expect(answers.filter(({ text }) => /\n\s+at |\.js:\d|dist\/|node_modules|node:internal/.test(text))).toEqual([])
})

it('a body of more than 1 MiB is refused with 413, and nothing of it is run or written to the log', async () => {
  const res = await fetch(`http://localhost:${service.controlPort}/cli?cmd=`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}` },
    body: 'x'.repeat(20 * 1024 * 1024),
  }).catch((error: unknown) => error as Error)
  // Whoever sends on after the answer may lose the connection before it has read it.
  if (res instanceof Response) expect(res.status).toBe(413)
  expect(await (await call('health')).text()).toBe('"OK"')
  expect(service.output.length).toBeLessThan(200_000)
})

it('an environment for a worker is taken from this machine, where whoever has the key may start programs anyway', async () => {
  const line = `start server.js {"NODE_OPTIONS":"--require ${service.path('inject.js')}"}`
  expect((await call(line)).status).toBe(200)
  expect(existsSync(service.path('injected'))).toBe(true)
})

it('ten wrong keys lock the address out, and the owner on the control socket is still let in', async () => {
  const place = await startService(['server.js', '--workerCount', '1'], { files: { 'server.js': steeredServer('v1') } })
  const wrong = { authorization: 'Bearer wrong' }
  const statuses = await Promise.all(Array.from({ length: 10 }, async () => (await place.call('health', wrong)).status))
  expect(statuses).toEqual(statuses.map(() => 401))
  const refused = await place.call('health')
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await place.cservice('health')).toMatchObject({ code: 0, stdout: 'OK\n' })
})

const outside = outsideAddress()
describe.skipIf(outside === null)('a caller from another address, with the right key', () => {
  let place: ServicePlace
  beforeAll(async () => {
    const files = {
      'server.js': steeredServer('v1'),
      'inject.js': `require('node:fs').writeFileSync(__dirname + '/injected', '')`,
    }
    place = await startService(['server.js', '--workerCount', '1', '--host', String(outside)], { files, onFinish })
  })

  const from = async (address: string, line: string) => {
    const url = `http://${address}:${place.controlPort}/cli?${new URLSearchParams({ cmd: line })}`
    const res = await fetch(url, { method: 'POST', headers: { authorization: 'Bearer test-key' } })
    return { status: res.status, text: await res.text() }
  }

  it.each(['health', 'info', 'version', 'workers', 'restart all'])('may run %s', async (line) => {
    expect(await from(String(outside), line)).toMatchObject({ status: 200 })
  })

  it.each(['start server.js', 'upgrade all server.js', 'shutdown all', 'exit now', 'proxy info', 'help', 'options'])(
    'may not run %s',
    async (line) => {
      expect(await from(String(outside), line)).toEqual({
        status: 401,
        text: `Not authorized to execute '${line.split(' ')[0]}' remotely`,
      })
    },
  )

  it.each(['start server.js', 'upgrade all server.js'])('gets no code in by the environment of %s', async (line) => {
    const injection = JSON.stringify({ NODE_OPTIONS: `--require ${place.path('inject.js')}` })
    expect(await from(String(outside), `${line} ${injection}`)).toMatchObject({ status: 401 })
    expect(existsSync(place.path('injected'))).toBe(false)
    expect(await place.cservice('workers', '--json')).toMatchObject({ code: 0 })
  })
})

describe('a worker that means harm', () => {
  const when = (text: string) => `
    const fs = require('node:fs')
    const path = __dirname + '/now'
    const timer = setInterval(() => {
      if (!fs.existsSync(path)) return
      clearInterval(timer)
      fs.rmSync(path)
      ${text}
    }, 20)
    setInterval(() => {}, 1000)
  `

  it.each([
    ['a port that is none', { act: 'queryServer', address: '127.0.0.1', port: 99_999, addressType: 4, index: 0 }],
    ['an address that is none', { act: 'queryServer', address: {}, port: {}, addressType: {}, index: 0 }],
  ])('is ended when it asks the cluster for %s, and the service is not', async (_, request) => {
    const message = JSON.stringify({ cmd: 'NODE_CLUSTER', seq: 99, ...request })
    const files = { 'harm.js': when(`process.send(${message})`) }
    const place = await startService(['harm.js', '--workerCount', '1'], { files })
    const [culprit] = await place.untilReady(1)
    place.write('now', '')
    await eventually('another worker', async () => {
      const pids = await place.pids()
      return pids.length === 1 && pids[0] !== culprit && pids
    })
    expect(place.output).toMatch(
      new RegExp(`worker ${culprit} was ended by SIGKILL .*, since it sent the cluster what`),
    )
  })

  const isRoot = process.getuid?.() === 0
  it.runIf(isRoot).each<[string, string, RegExp]>([
    [
      'says that it is a worker of root',
      `const [, instance, own] = /#([0-9a-f]+)-(\\d+)/.exec(fs.readFileSync('/proc/self/environ', 'utf8'))
       const say = (value) => fs.writeSync(4, JSON.stringify(value) + '\\n')
       say({ type: 'hello', id: instance + '-' + (own === '1' ? 2 : 1), pid: process.pid, state: 'ready' })
       say({ type: 'message', body: { type: 'call', id: 1, name: 'exit', args: ['now'] } })`,
      /broke the rules of the channel/,
    ],
    [
      'asks for a descriptor of the service',
      `process.send({ cmd: 'NODE_CLUSTER', act: 'queryServer', seq: 99, address: null, port: null, addressType: null, fd: 20, index: 0 })`,
      /since it asked to listen on a descriptor of the service/,
    ],
  ])('as nobody %s in vain', async (_, text, message) => {
    const workers = {
      high: { worker: 'high.js', count: 1 },
      low: { worker: 'low.js', count: 1, workerUid: 'nobody' },
    }
    const place = await startService(['config.json'], {
      files: {
        'config.json': JSON.stringify({ workers }),
        'high.js': steeredServer('high'),
        'low.js': when(text).replace('fs.rmSync(path)', ''),
      },
      isForEveryUser: true,
    })
    const high = await place.pids('high')
    place.write('now', '')
    await eventually('the refusal', () => message.test(place.output))
    rmSync(place.path('now'))
    expect(await place.pids('high')).toEqual(high)
    expect(place.hasExited).toBe(false)
  })
})

function call(line: string, key = secret): Promise<Response> {
  return service.call(line, { authorization: `Bearer ${key}` })
}

/** An address of this machine that is not loopback. */
function outsideAddress(): string | null {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? null
}
