import { once } from 'node:events'
import { rmSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { poolProblems } from '../../../dist/supervisor/pool-problems.js'
import { eventually } from '../../support/eventually.ts'
import { fixtureWorker } from '../../support/fixture-worker.ts'
import { freePort } from '../../support/free-ports.ts'
import { startLoad } from '../../support/load-generator.ts'
import { plainService, webServer } from '../../support/plain-service.ts'
import { isAlive } from '../../support/processes.ts'

test('unmodified web servers share one port, and are ready when they listen', async () => {
  const service = await plainService()
  await service.plain.start(service.entry(service.write('web.js', webServer('v1'))))
  const pids = new Set<string>()
  await eventually('both answer', async () => {
    pids.add(await service.ask())
    return pids.size === 2
  })
  expect([...pids].sort()).toEqual(
    service
      .pids()
      .map((pid) => `v1 ${pid}`)
      .sort(),
  )
})

test('an ES module is ready when it listens, and one that listens nowhere a moment after it was loaded', async () => {
  const service = await plainService()
  const web = `import http from 'node:http'
    await new Promise((resolve) => setTimeout(resolve, 200))
    http.createServer((req, res) => res.end('esm')).listen(process.env.PORT)`
  await service.plain.start(service.entry(service.write('web.mjs', web)))
  expect(await service.ask()).toBe('esm')
  await service.plain.start(service.entry(service.write('jobs.mjs', 'setInterval(() => {}, 1000)'), { count: 1 }))
  expect(service.supervisor.workers.map(({ state }) => state)).toEqual(['ready', 'ready', 'ready'])
})

test('a program that only says hello stays, and is ready', async () => {
  const service = await plainService()
  await service.plain.start(service.entry(service.write('hello.js', 'console.log("Hello World")'), { count: 1 }))
  expect(service.supervisor.workers.map(({ state }) => state)).toEqual(['ready'])
})

test('a worker has its own folder, arguments and environment, and none of our names', async () => {
  const service = await plainService()
  const text = `
    require('node:http').createServer((req, res) => res.end(JSON.stringify({
      cwd: process.cwd(), args: process.argv.slice(2), isMain: require.main === module, greeting: process.env.GREETING,
      ours: Object.keys(process.env).filter((name) => /^(worker|cwd|type|restart|count|ready|onReady|onStop|CSERVICE_CHANNEL)$/.test(name)),
    }))).listen(process.env.PORT)`
  const file = service.write('own.js', text)
  const env = { ...service.defaults.env, GREETING: 'hello' }
  await service.plain.start(
    service.entry(file, { count: 1, cwd: join(service.folder, 'run'), args: ['--x', '1'], env }),
  )
  expect(JSON.parse(await service.ask())).toEqual({
    cwd: join(service.folder, 'run'),
    args: ['--x', '1'],
    isMain: true,
    greeting: 'hello',
    ours: [],
  })
})

test('an entry whose worker fails to start leaves nothing of itself, and says why', async () => {
  const service = await plainService()
  const file = service.write('bad.js', 'console.error("no database"); process.exit(3)')
  await expect(service.plain.start(service.entry(file))).rejects.toMatchObject({
    code: 'WORKER_FAILED',
    details: { exitCode: 3, stderr: ['no database'] },
  })
  expect(service.supervisor.pools).toEqual([])
})

test('fifty keep-alive connections lose no request over ten restarts and ten upgrades', {
  timeout: 60_000,
}, async () => {
  const service = await plainService()
  const env = { PROXY_PORT: String(service.port) }
  await service.plain.start(service.entry(fixtureWorker('http'), { env }))
  const load = startLoad({ url: `http://127.0.0.1:${service.port}` })
  await load.more(100)
  for (let turn = 0; turn < 4; turn++) {
    expect(await service.run('restart all')).toBe('2 workers restarted successfully')
    expect(await service.run(`upgrade all ${fixtureWorker('http')}`)).toBe('2 workers upgraded successfully')
  }
  const { failures, answers } = await load.stop()
  expect(failures).toEqual([])
  expect(new Set(answers.map(({ pid }) => pid)).size).toBeGreaterThan(8)
})

test('an idle keep-alive connection is not cut while a request may be on its way, and then told that it ends', async () => {
  const service = await plainService()
  await service.plain.start(service.entry(service.write('web.js', webServer('v1')), { count: 1 }))
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const first = await get(service.port, agent)
  const restarted = service.run('restart all')
  await eventually('the old worker is stopping', () =>
    service.supervisor.workers.some(({ state }) => state === 'stopping'),
  )
  const second = await get(service.port, agent)
  expect(second).toEqual({ body: first.body, connection: 'close', isReused: true })
  await restarted
  const third = await get(service.port, agent)
  expect(third.body).not.toBe(first.body)
  agent.destroy()
})

test('a request in flight is answered by the worker that is being replaced', async () => {
  const service = await plainService()
  await service.plain.start(service.entry(service.write('web.js', webServer('v1')), { count: 1 }))
  const [old] = service.pids()
  const slow = service.ask('/slow?ms=1500')
  await eventually('it is in flight', async () => {
    await service.run('workers')
    return service.supervisor.workers[0]?.net?.requests === 1
  })
  await service.run('restart all')
  expect(await slow).toBe(`v1 ${old}`)
})

test('a stream that does not end is cut when the timeout of the restart has passed', async () => {
  const service = await plainService()
  const text = `require('node:http').createServer((req, res) => { res.write('x') }).listen(process.env.PORT)`
  await service.plain.start(service.entry(service.write('stream.js', text), { count: 1 }))
  const res = await fetch(`http://127.0.0.1:${service.port}/`)
  const ended = res.text().catch((error: unknown) => error)
  expect(await service.run('restart all {"timeout":2000}')).toBe('1 workers restarted successfully')
  expect(await ended).toBeInstanceOf(Error)
})

test('a program that opens its port late takes the port over without a gap', async () => {
  const service = await plainService()
  await service.plain.start(service.entry(service.write('web.js', webServer('v1'))))
  const late = service.write('late.js', `setTimeout(() => { ${webServer('v2')} }, 1500)`)
  let failures = 0
  let isOver = false
  const asking = (async () => {
    while (!isOver) await service.ask().catch(() => failures++)
  })()
  await service.run(`upgrade all ${late}`)
  expect(await service.ask()).toMatch(/^v2 /)
  isOver = true
  await asking
  expect(failures).toBe(0)
})

test('an upgrade to another port is done when the new program has opened that', async () => {
  const service = await plainService()
  await service.plain.start(service.entry(service.write('web.js', webServer('v1')), { count: 1 }))
  const jobs = service.write(
    'other.js',
    `require('node:http').createServer((req, res) => res.end()).listen(0, '127.0.0.1')`,
  )
  expect(await service.run(`upgrade all ${jobs}`)).toBe('1 workers upgraded successfully')
})

test.each([
  ['exits before it is ready', 'process.exit(1)', 20_000, 'WORKER_FAILED', /exited with code 1/],
  ['is never ready', 'setInterval(() => {}, 1000)', 700, 'TIMED_OUT', /^timed out$/],
])(
  'an upgrade to a program that %s leaves the old workers serving and nothing of the new',
  async (_, text, timeout, code, message) => {
    const service = await plainService()
    await service.plain.start(service.entry(service.write('web.js', webServer('v1'))))
    const before = service.pids()
    const bad = service.write('bad.js', text)
    await expect(service.run(`upgrade all ${bad} {"timeout":${timeout}}`)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
    expect(service.pids()).toEqual(before)
    expect(await service.ask()).toMatch(/^v1 /)
    // And what crashes afterwards is still replaced.
    process.kill(before[0] as number, 'SIGKILL')
    await eventually('a successor', () => {
      const pids = service.supervisor.workers.filter(({ state }) => state === 'ready').map(({ pid }) => pid)
      return pids.length === 2 && !pids.includes(before[0] as number)
    })
  },
)

test('an upgrade that fails at its second worker brings the old ones back', async () => {
  const service = await plainService({ ratio: 0 })
  await service.plain.start(service.entry(service.write('web.js', webServer('v1')), { count: 3 }))
  // The second process that is started from it fails.
  const flaky = service.write(
    'flaky.js',
    `const fs = require('node:fs')
    try { fs.writeFileSync('first', '', { flag: 'wx' }) } catch { console.error('only one of us'); process.exit(1) }
    ${webServer('v2')}`,
  )
  await expect(service.run(`upgrade all ${flaky}`)).rejects.toMatchObject({ details: { stderr: ['only one of us'] } })
  const answers = await Promise.all(Array.from({ length: 12 }, () => service.ask()))
  expect(answers.every((answer) => answer.startsWith('v1 '))).toBe(true)
  expect(service.supervisor.workers.map(({ name, state }) => ({ name, state }))).toEqual(
    Array.from({ length: 3 }, () => ({ name: 'main', state: 'ready' })),
  )
})

test('an old worker that is killed while its successor boots is no loss, and no crash of ours', async () => {
  const service = await plainService()
  await service.plain.start(
    service.entry(service.write('slow.js', `setTimeout(() => {}, 1e9); ${webServer('v1')}`), { count: 2 }),
  )
  const [victim] = service.pids()
  const restarted = service.run('restart all')
  await eventually('a successor boots', () => service.supervisor.workers.some(({ state }) => state === 'starting'))
  process.kill(victim as number, 'SIGKILL')
  await restarted
  await eventually('two workers', () => {
    const states = service.supervisor.workers.map(({ state }) => state)
    return states.length === 2 && states.every((state) => state === 'ready')
  })
})

test('ten restarts and ten upgrades at once are all answered, and the pool is right after', {
  timeout: 60_000,
}, async () => {
  const service = await plainService()
  const file = service.write('web.js', webServer('v1'))
  await service.plain.start(service.entry(file))
  const lines = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'restart all' : `upgrade all ${file}`))
  const answers = await Promise.all(lines.map((line) => service.run(line)))
  expect(new Set(answers)).toEqual(new Set(['2 workers restarted successfully', '2 workers upgraded successfully']))
  expect(service.supervisor.workers.map(({ state }) => state)).toEqual(['ready', 'ready'])
})

test('a worker that is immune is restarted by its pid, and not by all', async () => {
  const service = await plainService()
  const file = service.write('web.js', webServer('v1'))
  await service.plain.start(service.entry(file, { count: 1 }))
  await service.plain.start(service.entry(service.write('jobs.js', ''), { name: 'jobs', count: 1, isImmune: true }))
  const [web, jobs] = service.pids()
  expect(await service.run('restart all')).toBe('1 workers restarted successfully')
  expect(service.pids()).toContain(jobs)
  expect(service.pids()).not.toContain(web)
  expect(await service.run(`restart ${jobs}`)).toBe('1 workers restarted successfully')
  expect(service.pids()).not.toContain(jobs)
})

test('an upgrade of one worker by its pid leaves the others as they are', async () => {
  const service = await plainService()
  await service.plain.start(service.entry(service.write('web.js', webServer('v1'))))
  const [first, second] = service.pids()
  await service.run(`upgrade ${first} ${service.write('web2.js', webServer('v2'))}`)
  expect(service.pids()).toContain(second)
  const answers = new Set<string>()
  await eventually('both answer', async () => {
    answers.add((await service.ask()).slice(0, 2))
    return answers.size === 2
  })
  expect(service.plain.pools.map(({ size }) => size)).toEqual([1, 1])
})

test('a pool of the wrong size stays as it was asked for when a worker is shut down by its pid', async () => {
  const service = await plainService()
  await service.plain.start(service.entry(service.write('web.js', webServer('v1')), { count: 3 }))
  const [victim] = service.pids()
  expect(await service.run(`shutdown ${victim}`)).toBe('Worker shutdown')
  expect(isAlive(victim as number)).toBe(false)
  expect(service.plain.pools.map(({ size, workers }) => [size, workers.length])).toEqual([[2, 2]])
})

test('workers shut down with a WebSocket open wait for it no longer than their timeout', async () => {
  const service = await plainService()
  const text = `require('node:http').createServer().on('upgrade', (req, socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 101 Switching Protocols\\r\\nconnection: upgrade\\r\\nupgrade: x\\r\\n\\r\\n')
  }).listen(process.env.PORT)`
  await service.plain.start(service.entry(service.write('socket.js', text), { count: 1 }))
  const req = http.get({ port: service.port, headers: { connection: 'upgrade', upgrade: 'x' } })
  const [, socket] = await once(req, 'upgrade')
  const closed = once(socket, 'close')
  socket.on('error', () => {})
  socket.resume()
  await service.run(`shutdown ${service.pids()[0]} {"timeout":300}`)
  await closed
})

interface Got {
  readonly body: string
  readonly connection: string | undefined
  readonly isReused: boolean
}

async function get(port: number, agent: http.Agent): Promise<Got> {
  const req = http.get({ port, host: '127.0.0.1', agent })
  const [res] = (await once(req, 'response')) as [http.IncomingMessage]
  let body = ''
  for await (const chunk of res) body += String(chunk)
  return { body, connection: res.headers.connection, isReused: req.reusedSocket }
}

test('a stop in the middle of an upgrade is a stop: nothing is started again', async () => {
  const service = await plainService()
  await service.plain.start(service.entry(service.write('web.js', webServer('v1'))))
  const slow = service.write('slow.js', 'require("node:timers").setTimeout(() => {}, 1e9)')
  const upgrade = service.run(`upgrade all ${slow}`).catch((error: unknown) => error)
  await eventually('a successor boots', () => service.supervisor.workers.some(({ state }) => state === 'starting'))
  const started: unknown[] = []
  service.supervisor.on('worker', (worker) => started.push(worker))
  await service.supervisor.stop()
  expect(await upgrade).toMatchObject({ code: 'CANCELLED' })
  expect(started).toEqual([])
  expect(service.supervisor.workers).toEqual([])
})

/** Answers, unless there is a file `broken` in its folder: then it exits at once. */
const breakable = `
  if (require('node:fs').existsSync('broken')) { console.error('no luck'); process.exit(9) }
  ${webServer('v1')}
`

test('a service whose workers crash again and again is put right by an upgrade, and nothing of the old comes back', async () => {
  const service = await plainService()
  await service.plain.start(service.entry(service.write('web.js', breakable), { restartDelay: 1 }))
  service.write('broken', '')
  const [pool] = service.plain.pools
  const gaveUp = new Promise<void>((resolve) => pool?.on('failure', (_, verdict) => verdict.gaveUp && resolve()))
  for (const pid of service.pids()) process.kill(pid, 'SIGKILL')
  await gaveUp
  await eventually('nobody is left', () => service.supervisor.workers.length === 0)
  await expect(service.run('restart all')).rejects.toMatchObject({ details: { stderr: ['no luck'] } })
  expect(await service.run(`upgrade all ${service.write('web2.js', webServer('v2'))}`)).toBe(
    '2 workers upgraded successfully',
  )
  expect(service.plain.pools.map(({ size, workers }) => [size, workers.length])).toEqual([[2, 2]])
  expect(await service.ask()).toMatch(/^v2 /)
})

test('a service whose workers crashed again and again is brought back by a restart', async () => {
  const service = await plainService()
  await service.plain.start(service.entry(service.write('web.js', breakable), { restartDelay: 1 }))
  service.write('broken', '')
  const [pool] = service.plain.pools
  const gaveUp = new Promise<void>((resolve) => pool?.on('failure', (_, verdict) => verdict.gaveUp && resolve()))
  for (const pid of service.pids()) process.kill(pid, 'SIGKILL')
  await gaveUp
  await eventually('nobody is left', () => service.supervisor.workers.length === 0)
  rmSync(join(service.folder, 'broken'))
  expect(await service.run('restart all')).toBe('2 workers restarted successfully')
  expect(await service.ask()).toMatch(/^v1 /)
})

test('a worker that crashes before its turn in an upgrade does not come back as what it was', async () => {
  const service = await plainService({ ratio: 0 })
  await service.plain.start(service.entry(service.write('web.js', webServer('v1')), { count: 3, restartDelay: 1 }))
  const victim = service.pids()[2] as number
  const upgraded = service.run(`upgrade all ${service.write('web2.js', webServer('v2'))}`)
  await eventually('a successor boots', () => service.supervisor.workers.some(({ state }) => state === 'starting'))
  process.kill(victim, 'SIGKILL')
  expect(await upgraded).toBe('3 workers upgraded successfully')
  expect(service.plain.pools.map(({ size, workers }) => [size, workers.length])).toEqual([[3, 3]])
  const answers = await Promise.all(Array.from({ length: 9 }, () => service.ask()))
  expect(answers.every((answer) => answer.startsWith('v2 '))).toBe(true)
})

test('a worker that is shut down in the middle of an upgrade ends, and the others are upgraded all the same', async () => {
  const service = await plainService({ ratio: 0 })
  await service.plain.start(service.entry(service.write('web.js', webServer('v1'))))
  await service.plain.start(service.entry(service.write('jobs.js', ''), { name: 'jobs', count: 1 }))
  const [, victim] = service.pids()
  const upgraded = service.run(`upgrade all ${service.write('web2.js', webServer('v2'))}`)
  await eventually('a successor boots', () => service.supervisor.workers.some(({ state }) => state === 'starting'))
  expect(await service.run(`shutdown ${victim}`)).toBe('Worker shutdown')
  await service.plain.forgetEmptyPools() // as the service does after it
  expect(await upgraded).toBe('2 workers upgraded successfully')
  expect(service.plain.pools.map(({ size, workers }) => [size, workers.length])).toEqual([
    [1, 1],
    [1, 1],
  ])
})

test('a worker that never ends by itself is ended by whoever has less patience than the one before', async () => {
  const service = await plainService()
  const text = `require('node:http').createServer((req, res) => { res.write('x') }).listen(process.env.PORT)`
  await service.plain.start(service.entry(service.write('stream.js', text), { count: 1 }))
  const res = await fetch(`http://127.0.0.1:${service.port}/`)
  const ended = res.text().catch((error: unknown) => error)
  const [pid] = service.pids()
  const restarted = service.run('restart all {"timeout":0}')
  await eventually('it is stopping', () => service.supervisor.workers.some(({ state }) => state === 'stopping'))
  await service.run(`shutdown ${pid} {"timeout":200}`)
  expect(await ended).toBeInstanceOf(Error)
  expect(await restarted).toBe('1 workers restarted successfully')
  expect(service.plain.pools.map(({ size, workers }) => [size, workers.length])).toEqual([[1, 1]])
})

test('a service that is stopped waits no longer than it was told for a worker that may take for ever', async () => {
  const service = await plainService()
  const text = `require('node:http').createServer((req, res) => { res.write('x') }).listen(process.env.PORT)`
  await service.plain.start(service.entry(service.write('stream.js', text), { count: 1 }))
  const res = await fetch(`http://127.0.0.1:${service.port}/`)
  const ended = res.text().catch((error: unknown) => error)
  const restarted = service.run('restart all {"timeout":0}')
  await eventually('it is stopping', () => service.supervisor.workers.some(({ state }) => state === 'stopping'))
  await service.supervisor.stop(200)
  await Promise.all([ended, restarted])
  expect(service.supervisor.workers).toEqual([])
})

test('a worker that is leaving already is no worker to restart', async () => {
  const service = await plainService()
  const text = `require('node:http').createServer((req, res) => { res.write('x') }).listen(process.env.PORT)`
  await service.plain.start(service.entry(service.write('stream.js', text), { count: 1 }))
  const res = await fetch(`http://127.0.0.1:${service.port}/`)
  const ended = res.text().catch((error: unknown) => error)
  const [pid] = service.pids()
  const stopped = service.run(`shutdown ${pid} {"timeout":1000}`)
  await expect(service.run(`restart ${pid}`)).rejects.toMatchObject({ message: 'No workers to restart' })
  await Promise.all([stopped, ended])
  expect(service.plain.pools.map(({ size, workers }) => [size, workers.length])).toEqual([[0, 0]])
})

test('a program that opens a port for metrics at once, and its own port late, takes that over without a gap', async () => {
  const service = await plainService()
  const metrics = await freePort()
  const late = `require('node:http').createServer((req, res) => res.end('metrics')).listen(${metrics})
    setTimeout(() => { ${webServer('v1')} }, 3000)`
  await service.plain.start(service.entry(service.write('late.js', late), { count: 1 }))
  await eventually('the first one listens', () => service.ask())
  let failures = 0
  let isOver = false
  const asking = (async () => {
    while (!isOver) await service.ask().catch(() => failures++)
  })()
  await service.run('restart all')
  isOver = true
  await asking
  expect(failures).toBe(0)
})

test('a service is well while it is upgraded, and fifty questions for its workers at once are no leak', async () => {
  const service = await plainService()
  await service.plain.start(service.entry(service.write('web.js', webServer('v1'))))
  const warnings: Error[] = []
  const note = (warning: Error) => warnings.push(warning)
  process.on('warning', note)
  onTestFinished(() => void process.off('warning', note))
  const upgraded = service.run(`upgrade all ${service.write('web2.js', webServer('v2'))}`)
  await eventually('a successor boots', () => service.supervisor.workers.some(({ state }) => state === 'starting'))
  expect(poolProblems(service.plain.pools)).toEqual([])
  await Promise.all(Array.from({ length: 50 }, () => service.run('workers')))
  await upgraded
  expect(warnings).toEqual([])
})

test('a program that opens a port for a moment only is restarted without being waited for on that port', async () => {
  const service = await plainService()
  const probe = `const probe = require('node:net').createServer().listen(0, '127.0.0.1', () => probe.close())`
  await service.plain.start(service.entry(service.write('web.js', `${probe}\n${webServer('v1')}`), { count: 1 }))
  await eventually('the probe is closed', () => service.supervisor.workers[0]?.places.length === 1)
  expect(service.supervisor.workers[0]?.places).toEqual([`port ${service.port}`])
  await service.run('restart all {"timeout":20000}')
  expect(await service.ask()).toMatch(/^v1 /)
})
