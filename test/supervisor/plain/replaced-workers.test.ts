import { once } from 'node:events'
import http from 'node:http'
import { expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { fixtureWorker } from '../../support/fixture-worker.ts'
import { startLoad } from '../../support/load-generator.ts'
import { plainService, webServer } from '../../support/plain-service.ts'
import { isAlive } from '../../support/processes.ts'

test('fifty keep-alive connections lose no request over four restarts and four upgrades', {
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
