import { expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../dist/common/log.js'
import { Recycler } from '../../dist/supervisor/recycler.js'
import { judgeWorker, type RecycleLimits } from '../../src/supervisor/recycle-policy.ts'
import { eventually } from '../support/eventually.ts'
import { type PlainService, plainService, webServer } from '../support/plain-service.ts'

const none: RecycleLimits = { memory: null, upTime: null, unresponsive: null }

test('a worker within its limits, or without any, stays', () => {
  const signs = { rss: 1_000, readyFor: 1_000, silentFor: 1_000 }
  expect(judgeWorker(none, signs)).toBeNull()
  expect(judgeWorker({ memory: 1_000, upTime: 1_000, unresponsive: 1_000 }, signs)).toBeNull()
  expect(judgeWorker({ ...none, memory: 10 }, { ...signs, rss: null })).toBeNull()
})

test('each limit has its verdict, which says why', () => {
  const signs = { rss: 3 * 1024 * 1024, readyFor: 61.5, silentFor: 31 }
  expect(judgeWorker({ ...none, memory: 1024 * 1024 }, signs)).toEqual({
    action: 'replace',
    why: 'it uses 3 MiB, more than 1',
  })
  expect(judgeWorker({ ...none, upTime: 60 }, signs)).toEqual({
    action: 'replace',
    why: 'it has been up for 61 s, more than 60',
  })
  expect(judgeWorker({ memory: 1, upTime: 1, unresponsive: 30 }, signs)).toEqual({
    action: 'end',
    why: 'its event loop has not turned for 31 s',
  })
})

test('workers that have been up for too long are replaced one after another, without a gap', async () => {
  const service = await recycled({ upTime: 1 })
  const before = service.pids()
  let fewest = 2
  await eventually('both are replaced', () => {
    fewest = Math.min(fewest, service.supervisor.workers.filter(({ state }) => state === 'ready').length)
    return service.pids().length === 2 && before.every((pid) => !service.pids().includes(pid))
  })
  expect(fewest).toBe(2)
  // LEGACY 6.6: after the first recycling nothing was restarted any more.
  const [victim] = service.pids()
  process.kill(victim as number, 'SIGKILL')
  await eventually('a successor of the one that was killed', () => {
    const ready = service.supervisor.workers.filter(({ state }) => state === 'ready').map(({ pid }) => pid)
    return ready.length >= 2 && !ready.includes(victim as number)
  })
})

test('a worker that has grown too large is replaced', { timeout: 30_000 }, async () => {
  const service = await recycled({ memory: 150 * 1024 * 1024 }, `globalThis.hoard = Buffer.alloc(200 * 1024 * 1024, 1)`)
  const before = service.pids()
  await eventually('one is replaced', () => before.some((pid) => !service.pids().includes(pid)), 20_000)
})

test('a worker whose event loop hangs is ended and replaced, and one that is busy for a moment is not', {
  timeout: 30_000,
}, async () => {
  const hang = `setInterval(() => { if (require('node:fs').existsSync('hang-' + process.pid)) for (;;); }, 50)`
  const service = await recycled({ unresponsive: 2 }, hang)
  const [victim, other] = service.pids()
  const failures: unknown[] = []
  service.plain.pools[0]?.on('failure', (exit) => failures.push(exit))
  service.write(`hang-${victim}`, '')
  await eventually(
    'a successor',
    () => {
      const ready = service.supervisor.workers.filter(({ state }) => state === 'ready').map(({ pid }) => pid)
      return ready.length === 2 && !ready.includes(victim as number)
    },
    20_000,
  )
  expect(service.pids()).toContain(other)
  expect(failures).toMatchObject([{ pid: victim, signal: 'SIGKILL', note: expect.stringMatching(/event loop/) }])
})

async function recycled(limits: Partial<RecycleLimits>, more = ''): Promise<PlainService> {
  const service = await plainService()
  const file = service.write('web.js', `${more}\n${webServer('v1')}`)
  await service.plain.start(service.entry(file, { limits: { ...none, ...limits } }))
  const recycler = new Recycler({
    pools: () => service.supervisor.pools,
    replace: ({ pid }) => service.run(`restart ${pid}`),
    log: silentLog(),
  })
  onTestFinished(() => recycler.stop())
  return service
}
