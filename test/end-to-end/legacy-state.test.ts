import { readFileSync, rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { head, programs, said } from '../library/programs.ts'
import { eventually } from '../support/eventually.ts'
import { onFileFinish } from '../support/on-finish.ts'
import { isAlive } from '../support/processes.ts'
import { type ServicePlace, startService } from '../support/start-service.ts'
import { steeredServer } from '../support/steered-server.ts'

/*
 * How cluster-service 2.1.4 forgot what to do (LEGACY 9.2), done to ours. Not here, since it is tested elsewhere:
 *
 * | recipe                                              | test                                                            |
 * |-----------------------------------------------------|-----------------------------------------------------------------|
 * | an auto-recycle, then kill -9                       | plain-services.test.ts "… is replaced when it has been up too long" |
 * | proxy start or an on-demand version, then kill -9   | crashes.test.ts "a worker that is killed under load"            |
 * | N cold requests at once start N processes           | cold-start.test.ts "200 requests at the same moment …"          |
 * | a version that is idled out with a stream open      | cold-start.test.ts "is not one with a long stream …"            |
 * | client aborts that are not passed on                | protocols.test.ts "a client that leaves"                        |
 */

const onFinish = onFileFinish()
let service: ServicePlace

beforeAll(async () => {
  const files = {
    'server.js': steeredServer('v1'),
    'dies-at-boot.js': 'console.error("no luck"); process.exit(7)',
    'never-ready.js': `
      require('cservice').workerReady(false)
      require('node:http').createServer((req, res) => res.end('NEVER-READY')).listen(process.env.PORT, '127.0.0.1')
    `,
    'commands/again.js': `module.exports = ({ service }, cb) => { service.trigger('restart', cb, 'all') }`,
    'commands/breaks.js': `module.exports = () => { throw new Error('broken') }`,
  }
  const words = ['server.js', '--workerCount', '2', '--restartConcurrencyRatio', '1', '--commands', 'commands']
  service = await startService(words, { files, onFinish })
})

// A command that succeeds stands here and there between: six crashes in a row within ten seconds are a crash loop.
describe('a worker that is killed is replaced', () => {
  it.each<[string, () => Promise<unknown>, unknown]>([
    ['a restart of a pid that there is not', () => service.failure('restart 1'), { message: 'No workers to restart' }],
    [
      'an upgrade of a pid that there is not',
      () => service.failure('upgrade 1 server.js'),
      { message: 'No workers to upgrade' },
    ],
    ['a timeout without braces', () => service.command('restart all 30000'), '2 workers restarted successfully'],
    [
      'options that are none',
      () => service.failure('restart all "text"'),
      { code: 'BAD_USAGE', message: 'Invalid request. Try help restart' },
    ],
    [
      'an upgrade to a file that there is not',
      () => service.failure('upgrade all nowhere.js'),
      {
        message: expect.stringMatching(/^Worker not found: '.*\/nowhere\.js'\. Set 'workers' option to proper path\.$/),
      },
    ],
    [
      'an upgrade whose worker dies at boot',
      () => service.failure('upgrade all dies-at-boot.js'),
      { code: 'WORKER_FAILED', message: expect.stringMatching(/exited with code 7/) },
    ],
    ['a start whose worker dies at boot', () => service.failure('start dies-at-boot.js'), { code: 'WORKER_FAILED' }],
    ['a restart whose worker dies at boot', () => failingRestart(), { code: 'WORKER_FAILED' }],
    ['a restart that came too late', () => lateRestart(), { code: 'TIMED_OUT', message: 'timed out' }],
    ['a command of a user that breaks', () => service.failure('breaks'), { message: 'broken' }],
    ['a restart by a program', () => service.command('again'), '2 workers restarted successfully'],
  ])('after %s', async (_, first, answer) => {
    const before = await service.untilReady(2)
    if (typeof answer === 'string') expect(await first()).toBe(answer)
    else {
      expect(await first()).toMatchObject(answer as object)
      expect(await service.untilReady(2)).toEqual(before)
    }
    const [victim] = await service.untilReady(2)
    await service.killAndRecover(victim as number, 2)
    expect(await service.command('health')).toBe('OK')
  })
})

it('eight workers that die together, shortly after they came up, are no crash loop', async () => {
  const words = ['server.js', '--workerCount', '8', '--silent']
  const place = await startService(words, { files: { 'server.js': steeredServer('v1') } })
  const before = await place.untilReady(8)
  for (const pid of before) process.kill(pid, 'SIGKILL')
  await eventually('all of them are gone', () => !before.some(isAlive))
  await place.untilReady(8)
  expect(await place.command('health')).toBe('OK')
})

it('an upgrade that failed serves nothing of what it brought, then or later', async () => {
  const before = await service.untilReady(2)
  expect(await service.failure('upgrade all never-ready.js {"timeout":1000}')).toMatchObject({ message: 'timed out' })
  expect(await service.untilReady(2)).toEqual(before)
  const answers = await Promise.all(Array.from({ length: 20 }, () => service.ask()))
  expect(answers.filter((answer) => !answer.startsWith('v1 '))).toEqual([])
})

it('a worker that is shut down by its pid is not started again, and the pool is smaller from then on', async () => {
  const place = await startService(['server.js', '--workerCount', '3'], { files: { 'server.js': steeredServer('v1') } })
  const [first, second, third] = await place.untilReady(3)
  expect(await place.command(`shutdown ${first}`)).toBe('Worker shutdown')
  expect(await place.untilReady(2)).toEqual([second, third])
  await delay(500) // the old one started another after 100 ms
  expect(bootsOf(place)).toHaveLength(3)
  // One that is killed is another matter.
  const after = await place.killAndRecover(second as number, 2)
  expect(after).toContain(third)
  expect(await place.failure(`shutdown ${first}`)).toMatchObject({ message: 'No workers were shutdown' })
  expect(await place.command(`shutdown ${after[0]}`)).toBe('Worker shutdown')
  expect(await place.command(`shutdown ${after[1]}`)).toBe('Shutting down...')
  expect(await place.exited()).toEqual({ code: 0, signal: null })
})

it('workers with restart: false are neither restarted with all nor counted, and yet replaced when they crash', async () => {
  const workers = {
    web: { worker: 'server.js', count: 1 },
    jobs: { worker: 'jobs.js', count: 1, restart: false },
  }
  const place = await startService(['config.json'], {
    files: {
      'server.js': steeredServer('v1'),
      'jobs.js': 'setInterval(() => {}, 1000)',
      'config.json': JSON.stringify({ workers }),
    },
  })
  const [jobs] = await place.pids('jobs')
  expect(await place.command('restart all')).toBe('1 workers restarted successfully')
  expect(await place.command('upgrade all server.js')).toBe('1 workers upgraded successfully')
  expect(await place.pids('jobs')).toEqual([jobs])
  const [other] = await eventually('another worker for the jobs', async () => {
    if ((await place.pids('jobs'))[0] === jobs) process.kill(jobs as number, 'SIGKILL')
    const pids = await place.pids('jobs')
    return pids.length === 1 && pids[0] !== jobs && pids
  })
  expect(await place.command(`restart ${other}`)).toBe('1 workers restarted successfully')
})

it.each([
  ['all of its workers die at boot', 'process.exit(7)'],
  ['one of its workers dies at boot', `require('node:fs').writeFileSync(__dirname + '/first', '', { flag: 'wx' })`],
])('start calls back once, with the reason, where %s', async (_, text) => {
  const { run } = await programs({
    'bad.js': text,
    'program.cjs': `${head}
      let calls = 0
      cservice.start({ workers: __dirname + '/bad.js', workerCount: 3, port }, (error) => {
        calls++
        setTimeout(() => {
          say([calls, error.code])
          cservice.stop(1000, () => process.exit())
        }, 500)
      })`,
  })
  expect(said((await run('program.cjs')).stdout).at(-1)).toEqual([1, 'WORKER_FAILED'])
})

async function failingRestart(): Promise<unknown> {
  service.write('fails', '')
  try {
    return await service.failure('restart all')
  } finally {
    rmSync(service.path('fails'))
  }
}

async function lateRestart(): Promise<unknown> {
  service.write('delay', '10000')
  try {
    return await service.failure('restart all {"timeout":300}')
  } finally {
    rmSync(service.path('delay'))
  }
}

/** The pids of all processes that were ever started there. */
function bootsOf(place: ServicePlace): number[] {
  return readFileSync(place.path('boots'), 'utf8').trim().split('\n').map(Number)
}
