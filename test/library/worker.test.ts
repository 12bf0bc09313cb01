import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { CserviceError } from '../../dist/common/errors.js'
import { silentLog } from '../../dist/common/log.js'
import type { Command } from '../../dist/supervisor/control/command.js'
import { CommandRegistry } from '../../dist/supervisor/control/command-registry.js'
import { customCommand } from '../../dist/supervisor/control/custom-command.js'
import type { Pool } from '../../dist/supervisor/pool.js'
import { Supervisor } from '../../dist/supervisor/supervisor.js'
import { WorkerCalls, type WorkerCallsOptions } from '../../dist/supervisor/worker-calls.js'
import { command, deferred, temporaryDirectory } from '../supervisor/control/resources.ts'
import { eventually } from '../support/eventually.ts'
import { run } from '../support/run.ts'
import { installed } from './programs.ts'

const operator = { level: 'remote', name: 'operator' } as const

test('a worker runs commands of the service, with arguments and results as JSON, by promise and by callback', async () => {
  const { reports } = await service(
    `report([await cservice.trigger('add', 1, 2), await trigger('add', { a: [1] }, 'x'), await trigger('nothing')])
     trigger('add', (error, result) => report([error, result]), 3, 4)`,
    [
      command('add', async ([a, b]) => (typeof a === 'number' ? a + Number(b) : [a, b])),
      command('nothing', async () => undefined),
    ],
  )
  expect(await reports.next()).toEqual([3, [{ a: [1] }, 'x'], null])
  expect(await reports.next()).toEqual([null, 7])
})

test('a call of a worker takes as long as the command does', async () => {
  const { reports } = await service("report(await trigger('slow'))", [
    command('slow', async () => {
      await delay(5_500) // the old library gave up after five seconds
      return 'done'
    }),
  ])
  expect(await reports.next()).toBe('done')
})

test('what goes wrong with a call of a worker is an error there, with its code', async () => {
  const { reports, supervisor } = await service(
    `const circle = {}
     circle.circle = circle
     for (const call of [['no.such'], ['fails'], ['throws'], ['circular'], ['function'], ['fails', circle], ['fails', 1n]]) {
       report(await trigger(...call).then(() => 'no error', failed))
     }
     trigger('no.such')
     trigger('no.such', (error) => report(failed(error)))`,
    [
      command('fails', async () => {
        throw new CserviceError('CONFIG_INVALID', 'wrong', { hint: 'mend it', details: { line: 3 } })
      }),
      command('throws', async () => {
        throw new TypeError('a fault of ours')
      }),
      command('circular', async () => {
        const circle: Record<string, unknown> = {}
        circle.circle = circle
        return circle
      }),
      command('function', async () => () => {}),
    ],
  )
  expect(await reports.take(8)).toEqual([
    { code: 'UNKNOWN_COMMAND', message: 'Event no.such not found' },
    { code: 'CONFIG_INVALID', message: 'wrong', details: { line: 3 }, hint: 'mend it' },
    { code: 'INTERNAL', message: 'a fault of ours' },
    { code: 'BAD_USAGE', message: expect.stringMatching(/^The result of "circular" is no JSON/) },
    { code: 'BAD_USAGE', message: 'The result of "function" is no JSON: it is a function' },
    { code: 'BAD_USAGE', message: expect.stringMatching(/^An argument is no JSON/) },
    { code: 'BAD_USAGE', message: expect.stringMatching(/^An argument is no JSON/) },
    { code: 'UNKNOWN_COMMAND', message: 'Event no.such not found' },
  ])
  expect(supervisor.workers).toHaveLength(1)
})

test('a worker that dies while its call is under way costs nothing', async () => {
  const answer = deferred()
  const called = deferred()
  const { pool, reports, registry } = await service("trigger('slow').then(report, report)", [
    command('slow', async () => {
      called.resolve()
      await answer.promise
      return 'too late'
    }),
  ])
  await called.promise
  await pool.workers[0]?.kill()
  answer.resolve()
  await registry.call('report', ['still here'], operator)
  expect(await reports.next()).toBe('still here')
})

test('a worker of our own user is trusted as this machine is, one of another user as a stranger', async () => {
  const exit = command('exit', async () => 'Exiting now.', { level: 'local' })
  const inner = command('inner', async () => 'inner', { level: 'inproc' })
  const text = "for (const name of ['exit', 'inner']) report(await trigger(name).catch((error) => error.message))"
  const own = await service(text, [exit, inner])
  expect(await own.reports.take(2)).toEqual(['Exiting now.', "Not authorized to execute 'inner' remotely"])
  const foreign = await service(text, [exit, inner], { isForeign: () => true })
  expect(await foreign.reports.take(2)).toEqual([
    "Not authorized to execute 'exit' remotely",
    "Not authorized to execute 'inner' remotely",
  ])
})

test('a worker of another user cannot open a command that the program has closed before it was there', async () => {
  const text = `cservice.on('flush', Object.assign((event, cb) => cb(null, 1), { control: () => 'remote' }))`
  const close = { before: (registry: CommandRegistry) => registry.setLevels({ flush: 'inproc' }) }
  const foreign = await service(text, [], { ...close, isForeign: () => true })
  expect(foreign.registry.levelOf('flush')).toBe('inproc')
  const own = await service(text, [], close)
  expect(own.registry.levelOf('flush')).toBe('remote')
})

test('a command that workers register runs in each of them, and is answered with what each says', async () => {
  const { pool, registry } = await service(
    `cservice.on('flush', (event, cb, ...args) => cb(null, [event.name, event.service === cservice, ...args]))
     cservice.on('broken', async () => { throw new Error('broken in the worker') })
     cservice.on('nonsense', (event, cb) => cb(null, 1n))`,
    [],
    { count: 2 },
  )
  const pids = pidsOf(pool)
  const flushed = await registry.run('flush 1 {"a":true} text', operator)
  expect(byPid(flushed)).toEqual(
    pids.map((pid) => ({ pid, worker: 'test', result: ['flush', true, 1, { a: true }, 'text'] })),
  )
  expect(byPid(await registry.run('broken', operator))).toEqual(
    pids.map((pid) => ({ pid, worker: 'test', error: { code: 'COMMAND_FAILED', message: 'broken in the worker' } })),
  )
  expect(await registry.run('nonsense', operator)).toMatchObject({ workers: [{ error: { code: 'BAD_USAGE' } }, {}] })
})

test('a new worker joins by registering, and one that exits leaves; without any the command is an error', async () => {
  const { pool, registry } = await service("cservice.on('pid', (event, cb) => cb(null, process.pid))")
  const pids = async () => byPid(await registry.call('pid', [], operator)).map(({ result }) => result)
  expect(await pids()).toEqual(pidsOf(pool))
  await pool.scale(2, 'scale')
  expect(await pids()).toEqual(pidsOf(pool))
  await pool.stop()
  await expect(pids()).rejects.toMatchObject({ code: 'NO_WORKER' })
  await pool.scale(1, 'start')
  expect(await pids()).toEqual(pidsOf(pool))
})

test('a worker that exits, or says nothing in time, is an error of its own and keeps nobody else from answering', async () => {
  const { pool, registry, reports } = await service(
    `cservice.on('die', async (event, cb, pid) => pid === process.pid ? process.exit(3) : 'alive')
     cservice.on('mute', async (event, cb, pid) => pid === process.pid ? new Promise(() => {}) : 'spoke')`,
    [],
    { count: 2, deadline: 700 },
  )
  const [first, second] = pidsOf(pool)
  expect(byPid(await registry.call('mute', [first], operator))).toEqual([
    { pid: first, worker: 'test', error: { code: 'TIMED_OUT', message: 'The worker did not answer within 700 ms' } },
    { pid: second, worker: 'test', result: 'spoke' },
  ])
  expect(byPid(await registry.call('die', [first], operator))).toEqual([
    { pid: first, worker: 'test', error: { code: 'WORKER_FAILED', message: expect.stringMatching(/exited before/) } },
    { pid: second, worker: 'test', result: 'alive' },
  ])
  expect(reports.waiting).toEqual([])
})

test('a worker sets level, help and visibility of its command, as a program does', async () => {
  const { registry } = await service(
    `const command = (event, cb) => cb(null, 'ran')
     cservice.on('closed', Object.assign(command, {
       control: () => 'local', visible: false, more: (cb) => cb(null, { info: 'Runs.', command: 'closed' })
     }))
     try { cservice.on('bad', Object.assign(() => {}, { control: () => 'everyone' })) } catch (error) { report(error.message) }`,
  )
  await expect(registry.run('closed', operator)).rejects.toMatchObject({ code: 'NOT_AUTHORISED' })
  expect(registry.get('closed')?.isVisible).toBe(false)
  const help = async () => {
    const { help } = registry.get('closed') ?? {}
    return typeof help === 'function' ? await help() : help
  }
  await eventually('its help is known', async () => JSON.stringify(await help()).includes('Runs.'))
  registry.setLevels({ closed: 'remote' })
  expect(await registry.run('closed', operator)).toMatchObject({ workers: [{ result: 'ran' }] })
})

test('a worker replaces no command of the service or of its program, not even one that comes later', async () => {
  const { pool, registry, warnings } = await service(
    "for (const name of ['health', 'mine', 'later']) cservice.on(name, (event, cb) => cb(null, 'of the worker'))",
    [command('health', async () => 'OK')],
    { before: (registry) => registry.override(own('mine')) },
  )
  expect(await registry.run('health', operator)).toBe('OK')
  expect(await registry.run('mine', operator)).toBe('of the program')
  registry.override(own('later'))
  await pool.scale(2, 'scale')
  expect(await registry.run('later', operator)).toBe('of the program')
  expect(warnings.filter((text) => text.includes('may not replace'))).toHaveLength(3)
})

test('a worker that breaks the rules is ignored, and said so of it once', async () => {
  const { registry, reports, warnings } = await service(
    `const { send } = globalThis[Symbol.for('cservice.agent')]
     const bodies = [null, 7, 'x', [], {}, { type: 'call' }, { type: 'call', id: 1, name: 2, args: [] }, { type: 'register' },
       { type: 'register', name: 'a b', level: 'remote' }, { type: 'register', name: 'x', level: 'root' },
       { type: 'call', id: 'x', name: 'report', args: [] }, { type: 'result', id: null }, { type: 'failure', id: 1 }]
     for (const body of bodies) send(body)
     for (const body of [{ type: 'result', id: 77, result: 1 }, { type: 'failure', id: 78, error: { code: 7, message: {} } },
       { type: 'call', id: 1, name: '__proto__', args: [] }, { type: 'register', name: '__proto__', level: 'remote' }]) send(body)
     report('done')`,
  )
  expect(await reports.next()).toBe('done')
  expect(warnings).toEqual(['a worker sent what is not understood; it is ignored'])
  expect(registry.list().map(({ name }) => name)).toEqual(['report', '__proto__'])
})

test('a worker has a thousand calls under way, and no more', async () => {
  const open = deferred()
  const { reports } = await service(
    `const calls = Array.from({ length: 1005 }, () => trigger('held').catch((error) => error.code))
     const name = await Promise.race(calls.slice(1000))
     globalThis[Symbol.for('cservice.agent')].send({ type: 'register', name, level: 'remote' })`,
    [command('held', () => open.promise)],
    { afterwards: (registry) => eventually('the refusal', () => registry.get('TOO_MANY_CALLS') !== undefined) },
  )
  open.resolve()
  expect(reports.waiting).toEqual([])
})

test('what only a program can do does nothing in a worker', async () => {
  const { reports } = await service(
    `report([cservice.isWorker, cservice.isMaster, cservice.workers.length, cservice.locals.state, cservice.options.cwd === process.cwd()])
     report([await cservice.start({ workers: null }), cservice.start(() => report('called')), await cservice.stop()])
     cservice.control({ x: 'local' })
     report([await cservice.registerCommands('./nowhere'), await cservice.newWorker().catch((error) => error.code)])
     report(await cservice.proxy.info().catch((error) => error.message))`,
  )
  expect(await reports.take(4)).toEqual([
    [true, false, 0, 0, true],
    [null, null, 'Not running'],
    [null, 'BAD_USAGE'],
    'Event proxy not found',
  ])
})

test('workerReady counts once, and after workerReady(false)', async () => {
  const folder = installed({
    'worker.cjs': `
      const said = []
      Object.defineProperty(globalThis, Symbol.for('cservice.agent'), { value: { workerReady: (options) => said.push(options ?? 'ready') } })
      const { workerReady } = require('cservice')
      workerReady(false)
      workerReady(true)
      workerReady({ servers: [] })
      workerReady(false)
      console.log(JSON.stringify(said))`,
  })
  const outcome = await run(process.execPath, ['worker.cjs'], { cwd: folder })
  expect(outcome).toMatchObject({ stdout: '[false,"ready"]\n', stderr: '', code: 0 })
})

test('in a worker that nobody of ours has started everything is harmless', async () => {
  const folder = installed({
    'program.cjs': `
      const cluster = require('node:cluster')
      if (cluster.isPrimary) {
        cluster.fork().on('exit', (code) => console.log('exit', code))
      } else {
        const cservice = require('cservice')
        cservice.workerReady(false)
        cservice.workerReady()
        cservice.on('mine', () => {})
        cservice.trigger('health').catch((error) => {
          console.log(cservice.isWorker, error.code, error.message)
          process.exit(0)
        })
      }`,
  })
  const { stdout, stderr } = await run(process.execPath, ['program.cjs'], { cwd: folder })
  expect(stderr).toBe('')
  expect(stdout).toBe('true NO_GATEWAY No service has started this worker: nobody has commands\nexit 0\n')
})

test('an ES module that waits for an answer is kept alive by it', async () => {
  const { reports } = await service(
    'unused',
    [command('slow', () => delay(300, 'answer'))],
    {},
    `import { trigger, workerReady } from 'cservice'
     workerReady()
     const answer = await trigger('slow')
     await trigger('report', answer)`,
  )
  expect(await reports.next()).toBe('answer')
})

interface Options extends Partial<Pick<WorkerCallsOptions, 'isForeign' | 'deadline'>> {
  readonly count?: number
  before?(registry: CommandRegistry): void
  afterwards?(registry: CommandRegistry): Promise<unknown>
}

/**
 * A supervisor with these commands and workers that run `text`, in which `cservice`, `trigger`, `failed` and `report` are
 * known; what they report comes out of `reports`.
 */
async function service(text: string, commands: readonly Command[] = [], options: Options = {}, module?: string) {
  const file = module === undefined ? 'worker.cjs' : 'worker.mjs'
  const folder = installed({ [file]: module ?? worker(text) })
  const warnings: string[] = []
  const log = Object.assign(silentLog(), { warn: (_fields: unknown, message: string) => void warnings.push(message) })
  const supervisor = await Supervisor.open({ directory: temporaryDirectory(), log })
  onTestFinished(() => supervisor.kill())
  const registry = new CommandRegistry(log)
  const reports = new Reports()
  registry.register(command('report', async ([value]) => void reports.add(value), { runsAtOnce: () => true }))
  for (const each of commands) registry.register({ ...each, runsAtOnce: () => true })
  options.before?.(registry)
  const { isForeign, deadline } = options
  new WorkerCalls({ supervisor, registry, log, ...(isForeign ? { isForeign } : {}), ...(deadline ? { deadline } : {}) })
  const pool: Pool = supervisor.createPool({
    name: 'test',
    startTimeout: 20_000,
    stopTimeout: 2_000,
    launch: async () => ({ file: join(folder, file), kind: 'agent', cwd: folder, env: {}, waitsFor: 'say so' }),
  })
  await pool.scale(options.count ?? 1, 'start')
  await options.afterwards?.(registry)
  return { supervisor, registry, pool, reports, warnings }
}

function worker(text: string): string {
  return `
    const cservice = require('cservice')
    const { trigger } = cservice
    const report = (value) => trigger('report', value)
    const failed = ({ code, message, hint, details }) => details ? { code, message, hint, details } : { code, message }
    cservice.workerReady(false)
    async function main() {
      ${text}
    }
    setInterval(() => {}, 1e9)
    main()
    cservice.workerReady()`
}

function own(name: string): Command {
  return customCommand(name, async () => 'of the program', { service: null, locals: null })
}

function pidsOf(pool: Pool): number[] {
  return pool.workers.map(({ pid }) => pid ?? 0).sort((one, other) => one - other)
}

interface AnswerOfWorker {
  readonly pid: number
  readonly result?: unknown
}

/** The workers of a pool are listed as they were started; who registers first is chance. */
function byPid(answer: unknown): AnswerOfWorker[] {
  return [...(answer as { workers: AnswerOfWorker[] }).workers].sort((one, other) => one.pid - other.pid)
}

/** What workers have reported, in its order. */
class Reports {
  readonly waiting: unknown[] = []
  #wanted: ((value: unknown) => void) | null = null

  add(value: unknown): void {
    if (this.#wanted === null) this.waiting.push(value)
    else this.#wanted(value)
    this.#wanted = null
  }

  async next(): Promise<unknown> {
    if (this.waiting.length > 0) return this.waiting.shift()
    return await new Promise((resolve) => {
      this.#wanted = resolve
    })
  }

  async take(count: number): Promise<unknown[]> {
    const values: unknown[] = []
    while (values.length < count) values.push(await this.next())
    return values
  }
}
