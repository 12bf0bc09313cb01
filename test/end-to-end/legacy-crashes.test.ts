import { existsSync, rmSync } from 'node:fs'
import { beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { expectNothingLost } from '../support/expect-nothing-lost.ts'
import { startLoad } from '../support/load-generator.ts'
import { onFileFinish } from '../support/on-finish.ts'
import { isAlive } from '../support/processes.ts'
import { rest, restWords } from '../support/rest.ts'
import { startGateway } from '../support/start-gateway.ts'
import { type ServicePlace, startService } from '../support/start-service.ts'
import { steeredServer } from '../support/steered-server.ts'
import { versionFolder } from '../support/version-folder.ts'

/*
 * What ended the supervisor of cluster-service 2.1.4 (LEGACY 9.1), done to ours.
 *
 * | 9.1 | what was done                                | where it is tested                                            |
 * |-----|----------------------------------------------|---------------------------------------------------------------|
 * | 1-6 | several restarts at once … floods of messages | here                                                          |
 * | 7   | aliases of versions use up the ports          | routing.test.ts "a name that is no version", version-ports.test.ts |
 * | 8   | no version named and none live                | routing.test.ts "no default: …"                               |
 * | 9   | 30 first requests at once                     | cold-start.test.ts "200 requests at the same moment …"        |
 * | 10  | `proxy promote` without a version             | here                                                          |
 * | 11  | a version that refuses, resets or exits       | protocols.test.ts "a worker that breaks off …", failing-versions.test.ts, crashes.test.ts |
 */

const onFinish = onFileFinish()
let service: ServicePlace

beforeAll(async () => {
  const files = { 'server.js': steeredServer('v1') }
  const words = ['server.js', '--workerCount', '2', '--restartConcurrencyRatio', '1', '--silent']
  service = await startService(words, { files, onFinish })
})

it.each([2, 10, 50])(
  '%i restarts and upgrades at once over REST are all answered, and the pool is right after',
  {
    timeout: 60_000,
  },
  async (count) => {
    const before = await service.untilReady(2)
    const lines = Array.from({ length: count }, (_, index) =>
      index % 2 === 0 ? 'restart all' : 'upgrade all server.js',
    )
    const answers = await Promise.all(lines.map((line) => service.rest(line)))
    const verb = (line: string) => (line.startsWith('restart') ? 'restarted' : 'upgraded')
    expect(answers).toEqual(lines.map((line) => ({ status: 200, result: `2 workers ${verb(line)} successfully` })))
    const after = await service.untilReady(2)
    expect(after.filter((pid) => before.includes(pid))).toEqual([])
    expect(service.hasExited).toBe(false)
    expect(await service.command('health')).toBe('OK')
    expect((await service.killAndRecover(after[0] as number, 2)).length).toBe(2)
  },
)

it('an old worker that is killed while its replacement boots takes nobody with it', async () => {
  const [victim] = await service.untilReady(2)
  service.write('delay', '500')
  const restarted = service.rest('restart all')
  await eventually('a replacement that boots', async () => {
    const workers = await service.workers()
    return workers.some(({ state }) => state === 'starting')
  })
  process.kill(victim as number, 'SIGKILL')
  expect(await restarted).toEqual({ status: 200, result: '2 workers restarted successfully' })
  rmSync(service.path('delay'))
  expect(await service.untilReady(2)).not.toContain(victim)
  expect(service.hasExited).toBe(false)
})

it('a worker that dies while its call is under way costs nothing, and its successor calls as well', async () => {
  const place = await startService(['caller.js', '--workerCount', '1', '--commands', 'commands'], {
    files: {
      'caller.js': `
        const { trigger, workerReady } = require('cservice')
        workerReady()
        trigger('slow').then((answer) => console.log(process.pid + ' was answered ' + answer))
      `,
      'commands/slow.js': `
        const { existsSync, writeFileSync } = require('node:fs')
        const path = require('node:path')
        module.exports = async () => {
          writeFileSync(path.join(__dirname, 'called'), '')
          while (!existsSync(path.join(__dirname, 'go'))) await new Promise((resolve) => setTimeout(resolve, 20))
          return 'late'
        }
      `,
    },
  })
  await eventually('the call', () => existsSync(place.path('commands/called')))
  const [victim] = await place.untilReady(1)
  process.kill(victim as number, 'SIGKILL')
  await eventually('its end', () => !isAlive(victim as number))
  place.write('commands/go', '')
  const [successor] = await eventually('the successor', async () => {
    const pids = await place.pids()
    return pids.length === 1 && pids[0] !== victim && pids
  })
  await eventually('the answer', () => place.stdout.includes(`${successor} was answered late`))
  expect(place.stdout).not.toContain(`${victim} was answered`)
  expect(await place.command('health')).toBe('OK')
})

it('a worker that calls what does not exist gets an error', async () => {
  const place = await startService(['caller.js', '--workerCount', '1'], {
    files: {
      'caller.js': `
        const { trigger, workerReady } = require('cservice')
        workerReady()
        trigger('unknown', (error) => console.log('told: ' + error.message))
        trigger('unknown').catch((error) => console.log('rejected: ' + error.code))
      `,
    },
  })
  await eventually(
    'both errors',
    () => /told: Event unknown not found/.test(place.stdout) && /rejected: UNKNOWN_COMMAND/.test(place.stdout),
  )
  const [pid] = await place.untilReady(1)
  await place.killAndRecover(pid as number, 1)
})

it('workers that flood process.send with messages of their own keep nobody from workers and info', async () => {
  const place = await startService(['flood.js', '--workerCount', '2'], {
    files: {
      'flood.js': `
        const bodies = [null, 7, 'text', {}, { cservice: null }, { cservice: { cmd: 'processDetails' } }, { cmd: 'x' }, { processDetails: null }]
        let sent = 0
        const flood = () => {
          for (let i = 0; i < 20; i++) process.send(bodies[sent++ % bodies.length])
          setTimeout(flood, 1)
        }
        flood()
      `,
    },
  })
  const lines = ['workers', 'info', 'workers details']
  for (let turn = 0; turn < 10; turn++) {
    const answers = await Promise.all(lines.map((line) => place.rest(line)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  }
  const workers = await place.workers()
  expect(workers.map((worker) => (worker.process.memory?.rss ?? 0) > 0)).toEqual([true, true])
  expect(await place.command('restart all')).toBe('2 workers restarted successfully')
})

it('a restart of everything behind the proxy loses no request, and the proxy itself is none of it', {
  timeout: 60_000,
}, async () => {
  const gateway = await startGateway(await versionFolder({ v1: 'http' }, { workerCount: 2 }), { words: restWords })
  const processes = () => gateway.processes().filter(({ command }) => /dataplane/.test(command))
  const before = processes().map(({ pid }) => pid)
  const load = startLoad({ url: gateway.url })
  await load.more(100)
  const answers = await Promise.all([1, 2, 3, 4].map(() => rest(gateway, 'restart', 'all')))
  expect(answers).toEqual(answers.map(() => '2 workers restarted successfully'))
  await load.more(100)
  expectNothingLost(await load.stop())
  expect(before.length).toBeGreaterThan(0)
  expect(processes().map(({ pid }) => pid)).toEqual(before)
})

it('proxy promote without a version is wrong usage, and the live version stays', async () => {
  const gateway = await startGateway(await versionFolder({ v1: 'http' }), { words: restWords })
  expect(await gateway.cservice('proxy', 'promote')).toMatchObject({ code: 2 })
  expect(await rest(gateway, 'proxy', 'info')).toMatchObject({ liveVersion: 'v1' })
  expect((await gateway.fetch('/')).status).toBe(200)
})
