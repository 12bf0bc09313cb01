import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../dist/common/log.js'
import type { Launch } from '../../dist/supervisor/launch.js'
import type { Pool } from '../../dist/supervisor/pool.js'
import type { PoolSpec } from '../../dist/supervisor/pool-spec.js'
import { Supervisor } from '../../dist/supervisor/supervisor.js'
import { eventually } from '../support/eventually.ts'
import { type FixtureWorker, fixtureWorker } from '../support/fixture-worker.ts'
import { freePort, isPortFree } from '../support/free-ports.ts'
import { isAlive } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

test('a Node worker is ready the moment it listens, on the port it was given', async () => {
  const { pool } = await makePool('http')
  expect(await pool.scale(2, 'start')).toEqual({ started: 2, stopped: 0 })
  const answers = await Promise.all(pool.readyWorkers.map(({ port }) => ask(port)))
  expect(answers.map(({ pid }) => pid)).toEqual(pool.workers.map(({ pid }) => pid))
})

test('a worker that is not a Node program is ready when its port accepts connections', async () => {
  const { pool } = await makePool('python', { kind: 'program' })
  await pool.scale(1, 'start')
  expect(await ask(pool.readyWorkers[0]?.port)).toMatchObject({ pid: pool.workers[0]?.pid })
})

test('a Node worker that leaves the listening to a process of its own is ready when that listens', async () => {
  const { pool } = await makePool({
    text: `require('node:child_process').spawn('${fixtureWorker('python')}', { stdio: 'inherit' })`,
  })
  await pool.scale(1, 'start')
  expect((await ask(pool.readyWorkers[0]?.port)).pid).not.toBe(pool.workers[0]?.pid)
})

test('a worker that says workerReady(false) is ready only when it says so', async () => {
  const { pool, folder } = await makePool('waits-for-ready')
  let isReady = false
  const scaled = pool.scale(1, 'start').then(() => {
    isReady = true
  })
  await eventually('the worker listens', () => ask(pool.workers[0]?.port))
  expect(isReady).toBe(false)
  expect(pool.workers[0]?.state).toBe('starting')
  writeFileSync(join(folder, 'ready'), '')
  await scaled
})

test('a worker that dies before it is ready is noticed at once, with its exit code and its last words', async () => {
  const { pool } = await makePool('crash', { startTimeout: 60_000 })
  await expect(pool.scale(1, 'start')).rejects.toMatchObject({
    code: 'WORKER_FAILED',
    details: { exitCode: 7, signal: null, stderr: ['crash: cannot find the database'] },
  })
  expect(pool.workers).toEqual([])
  expect(pool.size).toBe(0)
})

test('a worker whose port was taken by another program meanwhile is launched again with another port', async () => {
  const taken = net.createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void taken.close())
  await once(taken, 'listening')
  const ports = [(taken.address() as net.AddressInfo).port]
  const { pool } = await makePool('http', {
    isBadLuck: ({ stderr }) => stderr.some((line) => line.includes('EADDRINUSE')),
    nextPort: () => ports.pop(),
  })
  expect(await pool.scale(1, 'start')).toEqual({ started: 1, stopped: 0 })
  expect(pool.lastFailure).toBeNull()
})

test('bad luck has an end: the failure is told after three launches', async () => {
  let launches = 0
  const { pool } = await makePool('crash', { isBadLuck: () => true })
  pool.on('worker', () => launches++)
  await expect(pool.scale(1, 'start')).rejects.toMatchObject({ details: { exitCode: 7 } })
  expect(launches).toBe(3)
})

test('a worker that listens elsewhere fails at its deadline, and the error says where it listens', async () => {
  const { pool } = await makePool('wrong-port', { startTimeout: 1_000 })
  const error = await pool.scale(1, 'start').catch((thrown) => thrown)
  expect(error.message).toMatch(
    /not ready after 1\.\d s, waiting for it to listen on PROXY_PORT \d+; it listens on port \d+ instead/,
  )
})

test('a worker file that cannot be run is an error, not a crash', async () => {
  const { pool } = await makePool({ text: 'not a program' }, { kind: 'program', mode: 0o644 })
  await expect(pool.scale(1, 'start')).rejects.toMatchObject({ code: 'WORKER_FAILED' })
})

test('when one of several new workers fails, the others are stopped and the pool is as before', async () => {
  const { pool, folder } = await makePool({
    text: `
      if (require('node:fs').existsSync('broken')) process.exit(3)
      require('node:http').createServer((req, res) => res.end('{}')).listen(process.env.PROXY_PORT)
    `,
  })
  await pool.scale(2, 'start')
  const before = pool.workers.map(({ pid }) => pid)
  writeFileSync(join(folder, 'broken'), '')
  await expect(pool.scale(5, 'scale')).rejects.toMatchObject({ details: { exitCode: 3 } })
  expect(pool.readyWorkers.map(({ pid }) => pid)).toEqual(before)
  expect(pool.size).toBe(2)
})

test('a worker that is killed is replaced', async () => {
  const { pool } = await makePool('http')
  await pool.scale(1, 'start')
  const [first] = pool.workers
  kill(first?.pid)
  await eventually('a successor is ready', () => pool.readyWorkers.some(({ pid }) => pid !== first?.pid))
  expect(pool.workers[0]?.reason).toBe('failure')
})

test('a worker that exits again and again is a crash loop, and is not started for ever', async () => {
  const { pool } = await makePool(
    {
      text: `
        require('node:http').createServer().listen(process.env.PROXY_PORT, () => setTimeout(() => process.exit(9), 20))
      `,
    },
    { restart: { firstDelay: 1, maxDelay: 10, stableAfter: 10_000, giveUpAfter: 4 } },
  )
  let restarts = 0
  pool.on('worker', () => restarts++)
  const gaveUp = new Promise((resolve) => pool.on('failure', (exit, { gaveUp }) => gaveUp && resolve(exit)))
  await pool.scale(1, 'start')
  expect(await gaveUp).toMatchObject({ exitCode: 9 })
  expect(restarts).toBe(4)
  expect(pool.lastFailure).toMatchObject({ exitCode: 9 })
})

test('a stop while workers are starting calls the start off', async () => {
  const { pool } = await makePool('never-listens')
  const start = pool.scale(1, 'start').catch((error) => error)
  await eventually('it was spawned', () => pool.workers.length === 1)
  await pool.stop()
  expect(await start).toMatchObject({ code: 'CANCELLED' })
  expect(pool.workers).toEqual([])
})

test('a second call that wants more workers waits for those that the first has begun to start as well', async () => {
  const { pool, folder } = await makePool('waits-for-ready')
  const first = pool.scale(1, 'demand')
  const second = pool.scale(2, 'promote')
  await eventually('both were spawned', () => pool.workers.length === 2)
  writeFileSync(join(folder, 'ready'), '')
  await Promise.all([first, second])
  expect(pool.readyWorkers).toHaveLength(2)
})

test('a worker that is asked to stop finishes its request first', async () => {
  const { pool, folder } = await makePool('stops-gracefully')
  await pool.scale(1, 'start')
  const [worker] = pool.workers
  const slow = fetch(`http://127.0.0.1:${worker?.port}/slow?ms=300`)
  await eventually('the request is there', () => ask(worker?.port))
  await pool.stop()
  expect((await slow).status).toBe(200)
  expect(readdirSync(folder)).toContain(`stopped-${worker?.pid}`)
})

test('a Node worker without any handler stops gracefully as well', async () => {
  const { pool } = await makePool('http')
  await pool.scale(1, 'start')
  const [worker] = pool.workers
  const slow = fetch(`http://127.0.0.1:${worker?.port}/slow?ms=300`)
  await eventually('the request is there', () => ask(worker?.port))
  await pool.stop()
  expect((await slow).status).toBe(200)
})

test('a worker that ignores SIGTERM is killed when its time is up', async () => {
  const { pool } = await makePool('ignores-sigterm', { stopTimeout: 300 })
  await pool.scale(1, 'start')
  const [worker] = pool.workers
  await pool.stop()
  expect(await worker?.exited).toMatchObject({
    signal: 'SIGKILL',
    stderr: expect.arrayContaining(['ignores-sigterm: no']),
  })
})

test('what a worker started ends with it', async () => {
  const { pool } = await makePool({
    text: `
      const child = require('node:child_process').spawn('sleep', ['600'])
      require('node:http').createServer((req, res) => res.end(JSON.stringify({ child: child.pid }))).listen(process.env.PROXY_PORT)
    `,
  })
  await pool.scale(1, 'start')
  const { child } = (await ask(pool.workers[0]?.port)) as unknown as { child: number }
  expect(isAlive(child)).toBe(true)
  kill(pool.workers[0]?.pid)
  await eventually('the grandchild is gone', () => !isAlive(child))
})

test('a pool that shrinks gives its ports back', async () => {
  const { pool } = await makePool('http')
  await pool.scale(3, 'start')
  const ports = pool.workers.map(({ port }) => port)
  expect(await pool.scale(1, 'scale')).toEqual({ started: 0, stopped: 2 })
  const left = pool.workers.map(({ port }) => port)
  for (const port of ports) if (port !== null && !left.includes(port)) expect(await isPortFree(port)).toBe(true)
})

test('a worker is drained before it is asked to stop', async () => {
  let finishDrain = () => {}
  const drained = new Promise<void>((resolve) => {
    finishDrain = resolve
  })
  const { pool } = await makePool('http', { drain: () => drained })
  await pool.scale(1, 'start')
  const [worker] = pool.workers
  const stopped = pool.stop()
  expect(worker?.state).toBe('draining')
  expect(await ask(worker?.port)).toMatchObject({ pid: worker?.pid })
  finishDrain()
  await stopped
  expect(worker?.state).toBe('exited')
})

test('the agent reports memory and event-loop delay, and grandchildren do not take themselves for workers', async () => {
  const { pool } = await makePool({
    text: `
      const { execFileSync } = require('node:child_process')
      const inherited = execFileSync(process.execPath, ['-p', 'process.env.CSERVICE_CHANNEL'], { encoding: 'utf8' }).trim()
      require('node:http').createServer((req, res) => res.end(JSON.stringify({ inherited }))).listen(process.env.PROXY_PORT)
    `,
  })
  await pool.scale(1, 'start')
  expect(await ask(pool.workers[0]?.port)).toEqual({ inherited: 'undefined' })
  const metrics = await eventually('metrics', () => pool.workers[0]?.metrics)
  expect(metrics.rss).toBeGreaterThan(10_000_000)
  expect(metrics.eventLoopDelayMax).toBeGreaterThanOrEqual(metrics.eventLoopDelayMean)
})

test('a process of an earlier supervisor that finds this one is told that it is an orphan', async () => {
  const { pool, supervisor } = await makePool('http')
  await pool.scale(1, 'start')
  const { ChannelClient } = await import('../../dist/common/channel-client.cjs')
  const orphan = new ChannelClient(supervisor.channelPath, 'id-of-another-supervisor')
  onTestFinished(() => orphan.close())
  const [wardsEnded] = await once(orphan, 'abandoned')
  await wardsEnded
})

test('a stop while a start is failing is no failure itself', async () => {
  const { pool } = await makePool('crash')
  const start = pool.scale(1, 'start').catch((error) => error)
  const worker = await eventually('it was spawned', () => pool.workers[0])
  await once(worker, 'state') // it has exited, and its last words are waited for
  await pool.stop()
  expect(pool.size).toBe(0)
  expect(await start).toMatchObject({ code: 'WORKER_FAILED' })
})

test('a stop while a launch is prepared starts no process, and waits until the launch has been given up', async () => {
  let provide = (_launch: Launch) => {}
  let released = 0
  const { pool, folder } = await makePool('http', {
    launch: () =>
      new Promise<Launch>((resolve) => {
        provide = resolve
      }),
  })
  let spawned = 0
  pool.on('worker', () => spawned++)
  const start = pool.scale(1, 'start').catch((error) => error)
  const stopped = pool.stop()
  provide({
    file: fixtureWorker('http'),
    kind: 'agent',
    cwd: folder,
    env: {},
    waitsFor: 'listen',
    release: () => released++,
  })
  await stopped
  expect(await start).toMatchObject({ code: 'CANCELLED' })
  expect({ spawned, released }).toEqual({ spawned: 0, released: 1 })
})

test('a call that wants fewer workers, while more are starting, gets the number it asked for', async () => {
  const { pool, folder } = await makePool('waits-for-ready')
  const more = pool.scale(3, 'demand').catch((error) => error)
  await eventually('all were spawned', () => pool.workers.length === 3)
  const fewer = pool.scale(1, 'scale')
  writeFileSync(join(folder, 'ready'), '')
  await fewer
  expect(pool.readyWorkers).toHaveLength(1)
  expect(await more).toMatchObject({ code: 'CANCELLED' })
})

test('a start that fails in two calls at once leaves the size that the pool had before both', async () => {
  const { pool } = await makePool('crash')
  const results = await Promise.allSettled([pool.scale(1, 'demand'), pool.scale(3, 'scale')])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(pool.size).toBe(0)
  await eventually('nothing is left', () => pool.workers.length === 0)
})

test('a worker that is shut down by hand twice makes the pool smaller by one', async () => {
  const { pool } = await makePool('stops-gracefully')
  await pool.scale(3, 'start')
  const [worker] = pool.workers
  if (!worker) throw new Error('no worker')
  await Promise.all([pool.stopWorker(worker, 'shutdown'), pool.stopWorker(worker, 'shutdown')])
  expect(pool.size).toBe(2)
  expect(pool.readyWorkers).toHaveLength(2)
})

test('a worker that is shut down by hand while the pool grows leaves the others starting', async () => {
  const { pool, folder } = await makePool('waits-for-ready')
  const grown = pool.scale(2, 'start')
  await eventually('both were spawned', () => pool.workers.length === 2)
  const [worker] = pool.workers
  if (worker) await pool.stopWorker(worker, 'shutdown')
  writeFileSync(join(folder, 'ready'), '')
  await grown.catch(() => {})
  await eventually('the other one is ready', () => pool.readyWorkers.length === 1)
  expect(pool.size).toBe(1)
})

test('a successor for which the system has nothing left is tried again', async () => {
  let isExhausted = false
  const { pool, folder } = await makePool('http', {
    restart: { firstDelay: 1, maxDelay: 10, stableAfter: 10_000, giveUpAfter: Number.POSITIVE_INFINITY },
    async launch() {
      if (isExhausted) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
      const env = { PROXY_PORT: String(await freePort()) }
      return {
        file: fixtureWorker('http'),
        kind: 'agent',
        cwd: folder,
        env,
        port: Number(env.PROXY_PORT),
        waitsFor: '',
      }
    },
  })
  await pool.scale(1, 'start')
  isExhausted = true
  const failure = once(pool, 'failure').then(() => once(pool, 'failure'))
  kill(pool.workers[0]?.pid)
  const [exit] = await failure
  expect(exit.stderr).toEqual(['EMFILE: too many open files'])
  isExhausted = false
  await eventually('a successor is ready', () => pool.readyWorkers.length === 1)
})

test('a worker that cannot be spawned says why', async () => {
  const { pool } = await makePool({ text: '#!/no/such/interpreter\n' }, { kind: 'program' })
  await expect(pool.scale(1, 'start')).rejects.toMatchObject({
    code: 'WORKER_FAILED',
    message: expect.stringMatching(/could not be started: spawn .* ENOENT/),
  })
})

interface Options extends Partial<PoolSpec> {
  readonly kind?: Launch['kind']
  readonly mode?: number
  /** The port of the next launch; undefined: a free one. */
  readonly nextPort?: () => number | undefined
}

async function makePool(worker: FixtureWorker | { text: string }, options: Options = {}) {
  const folder = temporaryFolder()
  const directory = join(folder, 'runtime')
  mkdirSync(directory)
  const supervisor = await Supervisor.open({ directory, log: silentLog(), output: nowhere() })
  onTestFinished(() => supervisor.kill())
  const file = typeof worker === 'string' ? fixtureWorker(worker) : join(folder, 'worker.cjs')
  if (typeof worker === 'object') {
    writeFileSync(file, worker.text)
    chmodSync(file, options.mode ?? 0o755)
  }
  const pool: Pool = supervisor.createPool({
    name: 'pool',
    startTimeout: 20_000,
    stopTimeout: 5_000,
    async launch() {
      const port = options.nextPort?.() ?? (await freePort())
      const env = { PROXY_PORT: String(port) }
      return { file, kind: options.kind ?? 'agent', cwd: folder, env, port, waitsFor: `listen on PROXY_PORT ${port}` }
    },
    ...options,
  })
  return { pool, supervisor, folder }
}

function nowhere() {
  const sink = { write: () => true, writableLength: 0 } as unknown as NodeJS.WriteStream
  return { stdout: sink, stderr: sink }
}

async function ask(port: number | null | undefined): Promise<{ pid: number }> {
  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })
  return (await answer.json()) as { pid: number }
}

function kill(pid: number | null | undefined): void {
  if (typeof pid === 'number') process.kill(pid, 'SIGKILL')
}
