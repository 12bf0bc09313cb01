import { once } from 'node:events'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import type { WorkerExit } from '../../../dist/supervisor/worker-exit.js'
import { eventually } from '../../support/eventually.ts'
import { fixtureWorker } from '../../support/fixture-worker.ts'
import { isAlive } from '../../support/processes.ts'
import { answersPid, ask, folderWith, openReserve, plenty } from './harness.ts'

it('a spare becomes the next worker, once, and another one follows', async () => {
  const reserve = await openReserve()
  await reserve.untilReady()
  const [spare] = reserve.pids()
  const pool = await reserve.pool(join(folderWith({ 'worker.cjs': answersPid }), 'worker.cjs'))
  await pool.scale(1, 'start')
  expect(pool.workers[0]?.pid).toBe(spare)
  expect(await ask(pool)).toBe(String(spare))
  await reserve.untilReady()
  expect(reserve.pids()).not.toContain(spare)
})

it('when the reserve is used up, workers are started as ever', async () => {
  const reserve = await openReserve()
  await reserve.untilReady()
  const [spare] = reserve.pids()
  const file = join(folderWith({ 'worker.cjs': answersPid }), 'worker.cjs')
  const pools = await Promise.all([1, 2, 3].map(() => reserve.pool(file)))
  await Promise.all(pools.map((pool) => pool.scale(1, 'demand')))
  const pids = pools.map((pool) => pool.workers[0]?.pid)
  expect(new Set(pids).size).toBe(3)
  expect(pids).toContain(spare)
  for (const pool of pools) expect(await ask(pool)).toBe(String(pool.workers[0]?.pid))
  await reserve.untilReady()
})

it('the successor of a worker that has crashed comes from the reserve', async () => {
  const reserve = await openReserve()
  await reserve.untilReady()
  const pool = await reserve.pool(join(folderWith({ 'worker.cjs': answersPid }), 'worker.cjs'))
  await pool.scale(1, 'start')
  await reserve.untilReady()
  const [spare] = reserve.pids()
  process.kill(pool.workers[0]?.pid ?? 0, 'SIGKILL')
  await eventually('its successor is ready', () => pool.readyWorkers[0]?.pid === spare)
})

it.each([
  ['workers of another kind', { kind: 'program' as const, mayBeSpare: true, file: fixtureWorker('python') }],
  ['launches that do not allow it', { mayBeSpare: false }],
  ['an environment with options for Node', { env: { NODE_OPTIONS: '--max-old-space-size=100' } }],
  ['an environment that Node reads when it starts', { env: { TZ: 'Asia/Tokyo' } }],
])('the reserve is not touched by %s', async (_name, more) => {
  const reserve = await openReserve()
  await reserve.untilReady()
  const pids = reserve.pids()
  const pool = await reserve.pool(join(folderWith({ 'worker.cjs': answersPid }), 'worker.cjs'), more)
  await pool.scale(1, 'start')
  expect(pids).not.toContain(pool.workers[0]?.pid)
  expect(reserve.pids()).toEqual(pids)
})

it('a spare that dies is replaced', async () => {
  const reserve = await openReserve(2)
  await reserve.untilReady()
  const [victim = 0, other] = reserve.pids()
  process.kill(victim, 'SIGKILL')
  await eventually('another one', () => reserve.supervisor.spares.ready === 2 && !reserve.pids().includes(victim))
  expect(reserve.pids()).toContain(other)
})

it('a spare that does not answer when it is needed costs a second, and nothing else', async () => {
  const reserve = await openReserve()
  await reserve.untilReady()
  const [spare = 0] = reserve.pids()
  process.kill(spare, 'SIGSTOP')
  const pool = await reserve.pool(join(folderWith({ 'worker.cjs': answersPid }), 'worker.cjs'))
  await pool.scale(1, 'start')
  expect(await ask(pool)).toBe(String(pool.workers[0]?.pid))
  expect(pool.workers[0]?.pid).not.toBe(spare)
  await eventually('its end', () => !isAlive(spare))
  await reserve.untilReady()
})

it('a spare that has died in this very moment is no failure of the worker', async () => {
  const reserve = await openReserve()
  await reserve.untilReady()
  const [spare = 0] = reserve.pids()
  const pool = await reserve.pool(join(folderWith({ 'worker.cjs': answersPid }), 'worker.cjs'))
  const scaled = pool.scale(1, 'start')
  process.kill(spare, 'SIGKILL')
  await scaled
  expect(await ask(pool)).toBe(String(pool.workers[0]?.pid))
})

it('a pool that is stopped while a spare becomes its worker has no worker left', async () => {
  const reserve = await openReserve()
  await reserve.untilReady()
  const [spare = 0] = reserve.pids()
  const pool = await reserve.pool(join(folderWith({ 'worker.cjs': answersPid }), 'worker.cjs'))
  const scaled = pool.scale(1, 'start').catch((error) => error)
  await new Promise((resolve) => process.nextTick(resolve))
  await pool.stop()
  expect(await scaled).toMatchObject({ code: 'CANCELLED' })
  expect(pool.workers).toEqual([])
  await reserve.untilReady()
  await eventually('no process of it is left', () => !isAlive(spare) || reserve.pids().includes(spare))
})

it('a spare that takes more memory than it may is not kept, and the next ones are tried ever more seldom', async () => {
  const reserve = await openReserve(1, 1024)
  const { spares } = reserve.supervisor
  const seen = new Set<number>()
  spares.on('change', () => {
    for (const pid of reserve.pids()) seen.add(pid)
  })
  await eventually('a second try', () => seen.size === 2)
  expect(spares.ready).toBe(0)
  spares.configure({ count: 1, memoryLimit: plenty })
  await reserve.untilReady()
  spares.configure({ count: 1, memoryLimit: 1024 })
  expect(spares.ready).toBe(0)
})

it('the reserve can be made larger, smaller and empty while it is in use', async () => {
  const reserve = await openReserve(1)
  await reserve.untilReady()
  const { spares } = reserve.supervisor
  spares.configure({ count: 3, memoryLimit: plenty })
  await reserve.untilReady(3)
  const pids = reserve.pids()
  spares.configure({ count: 1, memoryLimit: plenty })
  expect(spares.ready).toBe(1)
  await eventually('the end of two', () => pids.filter(isAlive).length === 1)
  await spares.close()
  expect(pids.filter(isAlive)).toEqual([])
  expect(spares.ready).toBe(0)
})

it('a supervisor that stops leaves no spare, also none that is booting, and no socket', async () => {
  const reserve = await openReserve(2)
  await eventually('one boots beside one that waits', () => reserve.pids().length === 2)
  const pids = reserve.pids()
  const { channelPath } = reserve.supervisor
  await reserve.supervisor.stop()
  expect(readdirSync(dirname(channelPath))).toEqual([])
  expect(pids.filter(isAlive)).toEqual([])
  expect(reserve.pids()).toEqual([])
  expect(existsSync(channelPath)).toBe(false)
})

it('what a spare opened to warm itself is gone when it waits', async () => {
  const reserve = await openReserve()
  await reserve.untilReady()
  expect(readdirSync(dirname(reserve.supervisor.channelPath))).toEqual(['channel.sock'])
})

it('workerReady(false) and onWorkerStop work in a worker from the reserve', async () => {
  const reserve = await openReserve(2)
  await reserve.untilReady()
  const pids = reserve.pids()
  const folder = folderWith({})
  const waiting = await reserve.pool(fixtureWorker('waits-for-ready'), { cwd: folder })
  const scaled = waiting.scale(1, 'start')
  await eventually('it listens', async () => (await fetch(`http://127.0.0.1:${waiting.workers[0]?.port}/`)).ok)
  expect(waiting.workers[0]?.state).toBe('starting')
  writeFileSync(join(folder, 'ready'), '')
  await scaled
  const stopping = await reserve.pool(fixtureWorker('stops-gracefully'), { cwd: folder })
  await stopping.scale(1, 'start')
  const pid = stopping.workers[0]?.pid ?? 0
  expect(pids).toEqual(expect.arrayContaining([waiting.workers[0]?.pid, pid]))
  await stopping.stop()
  expect(existsSync(join(folder, `stopped-${pid}`))).toBe(true)
})

it.each([
  ['throws', { 'worker.cjs': 'throw new Error("at boot")' }],
  ['throws in a module', { 'worker.cjs': 'require("./part.cjs")', 'part.cjs': 'null.x' }],
  ['throws later', { 'worker.cjs': 'setTimeout(() => { throw new Error("later") }, 5)' }],
  ['rejects', { 'worker.cjs': 'Promise.reject(new Error("rejected"))' }],
  ['does not parse', { 'worker.cjs': 'const const' }],
  ['throws, as an ES module', { 'worker.mjs': 'throw new Error("at boot")' }],
  ['imports what is not there', { 'worker.mjs': 'import "nowhere"' }],
  ['exits', { 'worker.cjs': 'console.error("no database"); process.exit(7)' }],
  ['ends', { 'worker.cjs': 'console.error("done")' }],
  ['waits for ever for a promise', { 'worker.mjs': 'await new Promise(() => {})' }],
  ['kills itself', { 'worker.cjs': 'process.kill(process.pid, "SIGKILL")' }],
  ['is not there', {}],
])('a worker that %s fails as it does without a reserve', async (_name, files) => {
  const reserve = await openReserve()
  const file = join(folderWith(files), Object.keys(files)[0] ?? 'worker.cjs')
  const failure = async (mayBeSpare: boolean) => {
    await reserve.untilReady()
    const [spare] = reserve.pids()
    const pool = await reserve.pool(file, { mayBeSpare, port: 1 })
    const pid = once(pool, 'worker').then(([worker]) => worker.pid)
    const error = await pool.scale(1, 'start').then(
      () => null,
      (reason) => reason,
    )
    expect((await pid) === spare).toBe(mayBeSpare)
    const { stderr, waitedFor, exitCode, signal, worker } = error.details as WorkerExit
    return {
      code: error.code,
      stderr: stderr.filter((line) => !isFrameOfNode(line)),
      waitedFor,
      exitCode,
      signal,
      worker,
    }
  }
  const ordinary = await failure(false)
  expect(ordinary.code).toBe('WORKER_FAILED')
  expect(await failure(true)).toEqual(ordinary)
})

it('a worker whose folder is not there fails as it does without a reserve, and the next one is not harmed', async () => {
  const reserve = await openReserve()
  const folder = folderWith({ 'worker.cjs': answersPid })
  const file = join(folder, 'worker.cjs')
  const failure = async (mayBeSpare: boolean) => {
    await reserve.untilReady()
    const pool = await reserve.pool(file, { mayBeSpare, port: 1, cwd: join(folder, 'nowhere') })
    return await pool.scale(1, 'start').catch(({ code, details }) => ({ code, stderr: details.stderr }))
  }
  expect(await failure(true)).toEqual(await failure(false))
  rmSync(join(folder, 'nowhere'), { force: true })
  await reserve.untilReady()
  const pool = await reserve.pool(file)
  await pool.scale(1, 'start')
  expect(await ask(pool)).toBe(String(pool.workers[0]?.pid))
})

/** Where the stack ends in Node itself differs: an ordinary main file is run before the event loop begins. */
function isFrameOfNode(line: string): boolean {
  return line.includes('node:internal')
}
