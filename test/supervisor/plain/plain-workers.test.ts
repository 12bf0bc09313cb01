import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { poolProblems } from '../../../dist/supervisor/pool-problems.js'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-ports.ts'
import { plainService, webServer } from '../../support/plain-service.ts'

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
