import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { freePort, isPortFree } from '../support/free-ports.ts'
import { webServer } from '../support/plain-service.ts'
import { isAlive } from '../support/processes.ts'
import { type ServicePlace, servicePlace, startService } from '../support/start-service.ts'

const esm = `
  import http from 'node:http'
  http.createServer((req, res) => res.end('v1 ' + process.pid)).listen(process.env.PORT, '127.0.0.1')
`

const runsTypeScript = Boolean(Reflect.get(process.features, 'typescript'))

/** Answers with what a worker can know of itself. */
const revealing = `
  const { readFileSync } = require('node:fs')
  const groups = /^Groups:\\t(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  const { pid, argv, env } = process
  const facts = () => JSON.stringify({
    pid, args: argv.slice(2), cwd: process.cwd(), name: env.CSERVICE_WORKER, colour: env.COLOUR,
    uid: process.getuid(), gid: process.getgid(), euid: process.geteuid(), groups: groups?.[1].trim().split(' ').filter(Boolean).map(Number),
  })
  require('node:http').createServer((req, res) => res.end(facts())).listen(Number(env.FACTS_PORT ?? env.PORT), '127.0.0.1')
`

describe('cservice config.json', () => {
  it('runs every worker of it with its own count, folder, environment and limits', async () => {
    const [web, jobs] = [await freePort(), await freePort()]
    const workers = {
      web: { worker: 'web.js', count: 2, FACTS_PORT: web, COLOUR: 'blue', args: ['--fast'] },
      jobs: { worker: 'jobs.js', count: 1, cwd: 'inner', restart: false, FACTS_PORT: jobs, restartOnUpTime: 2 },
    }
    const service = await startService(['config.json'], {
      files: {
        'web.js': revealing,
        'jobs.js': revealing,
        'inner/empty': '',
        'config.json': JSON.stringify({ workers }),
      },
    })
    const listed = (await service.workers()).map(({ name, cwd }) => ({ name, cwd }))
    expect(listed.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: 'jobs', cwd: service.path('inner') },
      { name: 'web', cwd: service.folder },
      { name: 'web', cwd: service.folder },
    ])
    expect(await factsAt(web)).toMatchObject({ name: 'web', colour: 'blue', args: ['--fast'], cwd: service.folder })
    expect(await factsAt(jobs)).toMatchObject({ name: 'jobs', cwd: service.path('inner') })
    const [before, first] = [await service.pids('web'), await service.pids('jobs')]
    await eventually('the jobs are recycled', async () => {
      const pids = await service.pids('jobs')
      return pids.length === 1 && pids[0] !== first[0]
    })
    expect(await service.pids('web')).toEqual(before)
  })
})

describe('a worker', () => {
  it.each([
    ['server.mjs', esm],
    ['server.cjs', webServer('v1')],
    ['module/server.js', esm],
    ['common/server.js', webServer('v1')],
  ])('%s is a module of its kind, serves and is restarted', async (file, text) => {
    const service = await startService([file, '--workerCount', '1'], {
      files: {
        [file]: text,
        'module/package.json': '{ "type": "module" }',
        'common/package.json': '{ "type": "commonjs" }',
      },
    })
    const [pid] = await service.untilReady(1)
    expect(await service.ask()).toBe(`v1 ${pid}`)
    expect(await service.command('restart all')).toBe('1 workers restarted successfully')
    expect(await service.ask()).toBe(`v1 ${(await service.untilReady(1))[0]}`)
  })

  const typescript = `const word: string = 'v1'\n${webServer('v1')}`
  it.runIf(runsTypeScript)('in TypeScript runs where Node runs it', async () => {
    const service = await startService(['server.ts', '--workerCount', '1'], { files: { 'server.ts': typescript } })
    expect(await service.ask()).toMatch(/^v1 /)
  })

  it.skipIf(runsTypeScript)('in TypeScript fails with the words of Node where it does not', async () => {
    const place = await servicePlace({ files: { 'server.ts': typescript } })
    expect(await place.cservice('server.ts', '--workerCount', '1')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/server\.ts.*SyntaxError/s),
    })
  })

  it('gets what stands behind --, and with --silent nobody hears it', async () => {
    const service = await startService(['server.js', '--workerCount', '1', '--silent', '--', '--loud', 'x.js'], {
      files: { 'server.js': `console.log('I am loud'); console.error('I am louder')\n${revealing}` },
    })
    expect(JSON.parse(await service.ask())).toMatchObject({ args: ['--loud', 'x.js'] })
    expect(service.output).not.toContain('I am loud')
  })
})

const isRoot = process.getuid?.() === 0

describe.runIf(isRoot)('workers that run as nobody', () => {
  it('have its user and its groups and no others, share their port, report, restart, and may not end the service', {
    timeout: 60_000,
  }, async () => {
    const service = await startService(
      ['server.js', '--workerCount', '2', '--workerUid', 'nobody', '--workerGid', 'nogroup'],
      { files: { 'server.js': `${revealing}\n${mutinous}` }, isForEveryUser: true },
    )
    const nobody = { uid: 65534, euid: 65534, gid: 65534, groups: [] }
    expect(JSON.parse(await service.ask())).toMatchObject({ ...nobody, groups: expect.any(Array) })
    const { groups } = JSON.parse(await service.ask()) as { groups: number[] }
    expect(groups.filter((group) => group !== 65534)).toEqual([])
    const before = await service.untilReady(2)
    for (const worker of await service.workers()) expect(worker.process.memory?.rss).toBeGreaterThan(0)
    for (const pid of before) {
      await eventually('the refusals', () =>
        ['exit', 'shutdown', 'start', 'proxy'].every((name) =>
          service.output.includes(`${pid} ${name}: NOT_AUTHORISED`),
        ),
      )
    }
    expect(await service.command('restart all')).toBe('2 workers restarted successfully')
    const after = await service.untilReady(2)
    expect(after.filter((pid) => before.includes(pid))).toEqual([])
    expect(JSON.parse(await service.ask())).toMatchObject({ uid: 65534, gid: 65534 })
  })

  it('can stand beside others in one configuration', async () => {
    const [low, high] = [await freePort(), await freePort()]
    const workers = {
      low: { worker: 'low.js', count: 1, workerUid: 'nobody', FACTS_PORT: low },
      high: { worker: 'high.js', count: 1, FACTS_PORT: high },
    }
    await startService(['config.json'], {
      files: { 'low.js': revealing, 'high.js': revealing, 'config.json': JSON.stringify({ workers }) },
      isForEveryUser: true,
    })
    expect(await factsAt(low)).toMatchObject({ uid: 65534, gid: 65534 })
    expect(await factsAt(high)).toMatchObject({ uid: 0, gid: 0 })
  })
})

describe('a worker that has outgrown a limit of the command line', () => {
  it.each<[string, string[], string]>([
    ['when it has been up too long', ['--restartOnUpTime', '2'], ''],
    [
      'when it uses too much memory',
      ['--restartOnMemUsage', String(200 * 1024 * 1024)],
      `require('node:http').createServer((req, res) => { globalThis.hoard = Buffer.alloc(300 * 1024 * 1024, 1); res.end() }).listen(process.env.TROUBLE_PORT, '127.0.0.1')`,
    ],
    [
      'when it does not respond',
      ['--restartOnUnresponsive', '2'],
      `require('node:http').createServer((req, res) => { res.end(); setImmediate(() => { for (;;); }) }).listen(process.env.TROUBLE_PORT, '127.0.0.1')`,
    ],
  ])('is replaced %s, and one that is killed afterwards as well', async (_, words, text) => {
    const troublePort = await freePort()
    const service = await startService(['server.js', '--workerCount', '1', ...words], {
      files: { 'server.js': `${webServer('v1')}\n${text}` },
      env: { TROUBLE_PORT: String(troublePort) },
    })
    const [victim] = await service.untilReady(1)
    if (text !== '') await fetch(`http://127.0.0.1:${troublePort}/`, { headers: { connection: 'close' } })
    const [successor] = await eventually(
      'its successor',
      async () => {
        const pids = await service.pids()
        return pids.length > 0 && !pids.includes(victim as number) && pids
      },
      20_000,
    )
    await eventually('its end', () => !isAlive(victim as number))
    await service.killAndRecover(successor as number, 1)
    expect(await service.ask()).toMatch(/^v1 /)
  })
})

describe('one service', () => {
  it('has a master module, commands of its own, a proxy and workers at once', async () => {
    const bindingPort = await freePort()
    const proxy = {
      defaultVersion: 'v1',
      versionPath: 'versions',
      workerCount: 1,
      bindings: [{ port: bindingPort, host: '127.0.0.1', workerCount: 1 }],
    }
    const config = {
      workers: { web: { worker: 'server.js', count: 1 } },
      proxy: 'proxy.json',
      master: 'master.js',
      commands: 'commands',
    }
    const service = await startService(['config.json'], {
      files: {
        'server.js': webServer('web'),
        'versions/v1/worker.js': `require('node:http').createServer((req, res) => res.end('v1')).listen(process.env.PROXY_PORT, '127.0.0.1')`,
        'proxy.json': JSON.stringify(proxy),
        'master.js': `
          const cservice = require('cservice')
          cservice.on('who', (event, cb) => cb(null, 'master ' + process.pid + ' of ' + cservice.workers.length))
        `,
        'commands/add.js': 'module.exports = (event, cb, a, b) => cb(null, a + b)',
        'config.json': JSON.stringify(config),
      },
    })
    expect(await service.ask()).toMatch(/^web /)
    expect(await (await fetch(`http://127.0.0.1:${bindingPort}/`)).text()).toBe('v1')
    expect(await service.command('add 3 4')).toBe(7)
    expect(await service.command('who')).toMatch(new RegExp(`^master ${service.pid} of \\d$`))
    expect(await service.command('proxy info')).toMatchObject({ liveVersion: 'v1' })
    expect(await service.command('proxy stop')).toMatchObject({ stopped: true })
    expect(await service.ask()).toMatch(/^web /)
    expect(await service.command('health')).toBe('OK')
  })

  it('tells whoever watches GET /events how far a restart is', async () => {
    const service = await startService(['server.js', '--workerCount', '2'], { files: { 'server.js': webServer('v1') } })
    const aborted = new AbortController()
    onTestFinished(() => aborted.abort())
    const watched = await fetch(`http://localhost:${service.controlPort}/events`, {
      headers: { authorization: 'Bearer test-key' },
      signal: aborted.signal,
    })
    expect(watched.status).toBe(200)
    expect((await fetch(`http://localhost:${service.controlPort}/events`)).status).toBe(401)
    const events = readEvents(watched)
    const answered = service.rest('restart all', { 'x-cservice-call': 'mine' })
    const mine: Array<Record<string, unknown>> = []
    for await (const event of events) {
      if (event.id === 'mine') mine.push(event)
      if (event.type === 'finished' && event.id === 'mine') break
    }
    expect(await answered).toEqual({ status: 200, result: '2 workers restarted successfully' })
    expect(mine.map(({ type, text }) => [type, text])).toEqual([
      ['started', undefined],
      ['progress', '1 of 2 workers restarted'],
      ['progress', '2 of 2 workers restarted'],
      ['finished', undefined],
    ])
  })

  it('that may take for ever to stop stops sooner when it is told so a second time', async () => {
    const stream = `require('node:http').createServer((req, res) => res.write('x')).listen(process.env.PORT)`
    const service = await startService(['stream.js', '--workerCount', '1'], { files: { 'stream.js': stream } })
    const res = await fetch(`http://127.0.0.1:${service.port}/`)
    const cut = res.text().catch((error: unknown) => error)
    const patient = service.command('shutdown all {"timeout":0}')
    await eventually('it is stopping', async () => (await service.workers()).some(({ state }) => state === 'stopping'))
    expect(await service.command('shutdown all {"timeout":300}')).toBe('Shutting down...')
    expect(await cut).toBeInstanceOf(Error)
    expect(await patient).toBe('Shutting down...')
    expect(await service.exited()).toEqual({ code: 0, signal: null })
  })

  it('speaks TLS on REST, with key and certificate from files, and its command line finds the way in', async () => {
    const pem = readFileSync(
      fileURLToPath(new URL('../proxy/dataplane/fixtures/localhost.pem', import.meta.url)),
      'utf8',
    )
    const service = await startService(
      ['server.js', '--workerCount', '1', '--ssl.key', 'tls/key.pem', '--ssl.cert', 'tls/cert.pem'],
      { files: { 'server.js': webServer('v1'), 'tls/key.pem': pem, 'tls/cert.pem': pem } },
    )
    expect(service.stdout).toContain(`https://localhost:${service.controlPort}/cli`)
    await expect(service.call('health')).rejects.toThrow() // plain HTTP
    expect(await service.cservice('health')).toMatchObject({ code: 0, stdout: 'OK\n' })
    // Without the control socket: over TLS, with the key.
    rmSync(service.path('run/cservice'), { recursive: true })
    const overTls = ['health', '--accessKey', 'test-key', '--ssl.ca', 'tls/cert.pem']
    expect(await service.cservice(...overTls)).toMatchObject({ code: 0, stdout: 'OK\n' })
    expect(await service.cservice('health', '--accessKey', 'test-key')).toMatchObject({
      code: expect.any(Number),
      stdout: '',
    })
  })
})

describe('cserviced', () => {
  it('runs a service in the background with a pid file and a log file, until it is told to stop', async () => {
    const place = await servicePlace({ files: { 'server.js': webServer('v1') } })
    stopAfterwards(place)
    const started = await place.cserviced('server.js', '--workerCount', '2', '--pidFile', 'pid', '--logFile', 'log')
    expect(started).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\n$/) })
    const pid = Number(started.stdout)
    expect(readFileSync(place.path('pid'), 'utf8').trim()).toBe(String(pid))
    expect(await place.ask()).toMatch(/^v1 /) // ready means ready
    const [victim] = await place.untilReady(2)
    await place.killAndRecover(victim as number, 2)
    expect(await place.cservice('restart', 'all')).toMatchObject({ code: 0 })
    expect(await place.cserviced('server.js')).toMatchObject({ code: 1, stdout: '' })
    expect(await place.cservice('shutdown', 'all')).toMatchObject({ code: 0 })
    await place.untilGone()
    expect(() => readFileSync(place.path('pid'))).toThrow(/ENOENT/)
    expect(readFileSync(place.path('log'), 'utf8')).toMatch(/server\.js\(\d+\) start/)
  })

  it.each([
    ['a worker that dies at boot', ['bad.js'], /exited with code 7.*no luck/s],
    ['a worker file that there is not', ['nowhere.js'], /Worker not found/],
  ])('says why %s keeps it from starting, and leaves nothing', async (_, words, reason) => {
    const place = await servicePlace({ files: { 'bad.js': `console.error('no luck'); process.exit(7)` } })
    const failed = await place.cserviced(...words, '--workerCount', '1', '--pidFile', 'pid', '--logFile', 'log')
    expect(failed).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(reason) })
    expect(() => readFileSync(place.path('pid'))).toThrow(/ENOENT/)
    await place.untilGone()
    expect(await isPortFree(place.port)).toBe(true)
  })
})

/** Tries what a worker that runs as another user may not do. */
const mutinous = `
  const { trigger } = require('cservice')
  for (const [name, ...args] of [['exit', 'now'], ['shutdown', 'all'], ['start', __filename], ['proxy', 'stop']]) {
    trigger(name, ...args).then(() => 'done', (error) => error.code).then((code) => console.log(process.pid + ' ' + name + ': ' + code))
  }
`

async function factsAt(port: number): Promise<Record<string, unknown>> {
  return (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as Record<string, unknown>
}

/** Ends a daemon that a test has left running. */
function stopAfterwards(place: ServicePlace): void {
  onTestFinished(async () => {
    if (place.processes().length > 0) await place.cservice('shutdown', 'all')
  })
}

async function* readEvents(res: Response): AsyncGenerator<Record<string, unknown>> {
  let text = ''
  for await (const chunk of res.body as ReadableStream<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    const frames = text.split('\n\n')
    text = frames.pop() ?? ''
    for (const frame of frames) {
      const data = /^data: (.*)$/m.exec(frame)?.[1]
      if (data !== undefined) yield JSON.parse(data) as Record<string, unknown>
    }
  }
}
