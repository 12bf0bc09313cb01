import { EventEmitter } from 'node:events'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { silentLog } from '../../dist/common/log.js'
import { CserviceError } from '../../src/common/errors.ts'
import type { Launch } from '../../src/supervisor/launch.ts'
import { Pool } from '../../src/supervisor/pool.ts'
import type { StartWorker } from '../../src/supervisor/start-launch.ts'
import type { WorkerHandle } from '../../src/supervisor/worker.ts'
import type { WorkerExit } from '../../src/supervisor/worker-exit.ts'
import type { WorkerState } from '../../src/supervisor/worker-state.ts'
import { eventually } from '../support/eventually.ts'

/** The policy of pools, held against every order of events, with workers that are nothing but their states. */

test('whatever is asked of a pool and happens to its workers at once, it ends with as many as were asked for', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 25 }), async (actions) => {
      const world = new World()
      const answers: Array<Promise<unknown>> = []
      for (const [kind, number] of actions) answers.push(...(await world.act(kind, number)))
      await world.settle()
      // Every call is answered, and what is there is what the pool says of itself.
      expect((await Promise.allSettled(answers)).every(isKnown)).toBe(true)
      await world.settle()
      expect(world.pool.workers.map(({ state }) => state)).toEqual(Array(world.pool.size).fill('ready'))
      expect(world.pool.sizeSoFar).toBe(world.pool.size)
      await world.finish()
    }),
    { numRuns: 150, timeout: 4_000, interruptAfterTimeLimit: 15_000 },
  )
})

test('a worker that crashes while another is being replaced is started again', async () => {
  const world = await World.of(2)
  const [first, second] = world.workers
  const replaced = world.pool.replace(first as FakeWorker as never, 'restart')
  await eventually('its successor has a process', () => world.workers[2])
  second?.crash()
  await world.settle()
  await replaced
  expect(world.pool.readyWorkers).toHaveLength(2)
})

test('successors that die at boot do not count as crashes of the pool, whose workers are all there', async () => {
  const world = await World.of(2)
  const failures: unknown[] = []
  world.pool.on('failure', (exit) => failures.push(exit))
  const replaced = world.workers.map((worker) => world.pool.replace(worker as FakeWorker as never, 'restart'))
  await eventually('both successors have a process', () => world.workers[3])
  world.workers[2]?.crash()
  setImmediate(() => world.workers[3]?.crash())
  expect((await Promise.allSettled(replaced)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await world.settle()
  expect(failures).toEqual([])
  expect(world.workers).toHaveLength(4)
})

test('a worker that is shut down while it is being replaced leaves the pool smaller by one', async () => {
  const world = await World.of(2)
  const [first] = world.workers
  const replaced = world.pool.replace(first as FakeWorker as never, 'restart').catch((error: unknown) => error)
  await eventually('its successor has a process', () => world.workers[2])
  const stopped = world.pool.stopWorker(first as FakeWorker as never, 'shutdown')
  await world.settle()
  await stopped
  expect(await replaced).toMatchObject({ code: 'CANCELLED' })
  expect([world.pool.size, world.pool.readyWorkers.length]).toEqual([1, 1])
})

test('a worker that is shut down while it starts beside others makes the pool smaller by one, not by two', async () => {
  const world = await World.of(2)
  const grown = world.pool.grow('start').catch((error: unknown) => error)
  await eventually('it has a process', () => world.workers[2])
  const stopped = world.pool.stopWorker(world.workers[2] as FakeWorker as never, 'shutdown')
  await world.settle()
  await stopped
  expect(await grown).toMatchObject({ code: 'CANCELLED' })
  expect([world.pool.size, world.pool.readyWorkers.length]).toEqual([2, 2])
})

test('a worker that has left because it was shut down is not counted off a second time', async () => {
  const world = await World.of(3)
  const [first] = world.workers
  const stopped = world.pool.stopWorker(first as FakeWorker as never, 'shutdown')
  await world.settle()
  await stopped
  await world.pool.stopWorker(first as FakeWorker as never, 'upgrade')
  expect([world.pool.size, world.pool.readyWorkers.length]).toEqual([2, 2])
})

test('a pool that is short and cannot be filled by hand goes on trying by itself', async () => {
  const world = await World.of(2)
  world.isBroken = true
  world.workers[0]?.crash()
  await turn()
  await expect(world.pool.scale(2, 'restart')).rejects.toMatchObject({ code: 'WORKER_FAILED' })
  world.isBroken = false
  await world.settle()
  expect(world.pool.readyWorkers).toHaveLength(2)
})

type Kind =
  | 'scale'
  | 'grow'
  | 'replace'
  | 'stopWorker'
  | 'stopOne'
  | 'crash'
  | 'ready'
  | 'exit'
  | 'turn'
  | 'wait'
  | 'break'
  | 'mend'
  | 'stop'

const action = fc.tuple(
  fc.constantFrom<Kind>(
    'scale',
    'scale',
    'grow',
    'grow',
    'replace',
    'replace',
    'replace',
    'stopWorker',
    'stopWorker',
    'stopOne',
    'crash',
    'crash',
    'ready',
    'ready',
    'ready',
    'exit',
    'turn',
    'wait',
    'break',
    'mend',
    'stop',
  ),
  fc.nat({ max: 4 }),
)

/** A pool, and all that can happen to it. */
class World {
  readonly workers: FakeWorker[] = []
  /** Whether nothing can be started. */
  isBroken = false
  #isSettling = false

  readonly pool = new Pool(
    {
      name: 'pool',
      startTimeout: 1_000,
      stopTimeout: 1_000,
      restart: { firstDelay: 1, maxDelay: 1, stableAfter: 0, giveUpAfter: Number.POSITIVE_INFINITY },
      launch: async () => {
        if (this.isBroken) throw new CserviceError('WORKER_FAILED', 'there is no folder')
        await turn()
        return { file: '/worker.js', kind: 'program', cwd: '/', env: {}, waitsFor: 'wait' } satisfies Launch
      },
    },
    (async (_launch, { reason }) => {
      await turn()
      const worker = new FakeWorker(this.workers.length + 1, reason)
      this.workers.push(worker)
      if (this.#isSettling) worker.becomeReady()
      return worker as unknown as WorkerHandle
    }) satisfies StartWorker,
    silentLog(),
  )

  static async of(size: number): Promise<World> {
    const world = new World()
    const scaled = world.pool.scale(size, 'start')
    await world.settle()
    await scaled
    world.#isSettling = false
    return world
  }

  /** @returns the answers that are to come */
  async act(kind: Kind, number: number): Promise<Array<Promise<unknown>>> {
    const { pool } = this
    const present = pool.workers
    const worker = present[number % Math.max(1, present.length)]
    const fake = worker as unknown as FakeWorker | undefined
    if (kind === 'scale') return [caught(pool.scale(number, 'start'))]
    if (kind === 'grow') return [caught(pool.grow('start'))]
    if (kind === 'replace' && worker) return [caught(pool.replace(worker, 'restart'))]
    const any = this.workers[number % Math.max(1, this.workers.length)] as unknown as WorkerHandle | undefined
    if (kind === 'stopWorker' && any) return [caught(pool.stopWorker(any, 'shutdown'))]
    if (kind === 'stopOne') return [caught(pool.stopOne('upgrade'))]
    if (kind === 'stop' && number === 0) return [caught(pool.stop())]
    if (kind === 'crash') fake?.crash()
    if (kind === 'ready') for (const each of this.workers) each.becomeReady()
    if (kind === 'exit') for (const each of this.workers) each.finish()
    if (kind === 'turn') await turn()
    if (kind === 'wait') await delay(2)
    if (kind === 'break') this.isBroken = true
    if (kind === 'mend') this.isBroken = false
    return []
  }

  /** Lets everything come up and end that wants to, until nothing happens any more. */
  async settle(): Promise<void> {
    this.#isSettling = true
    this.isBroken = false
    for (let quiet = 0; quiet < 4; quiet++) {
      const before = this.#describe()
      for (const worker of this.workers) {
        worker.becomeReady()
        worker.finish()
      }
      await delay(2)
      for (let count = 0; count < 5; count++) await turn()
      if (this.#describe() !== before) quiet = -1
    }
  }

  async finish(): Promise<void> {
    const killed = this.pool.kill()
    await this.settle()
    await killed
  }

  #describe(): string {
    return `${this.pool.size} ${this.workers.map(({ state }) => state).join()}`
  }
}

/** The states and the end of a worker, without a process; it does nothing unless it is told to. */
class FakeWorker extends EventEmitter {
  readonly name = 'pool'
  readonly pid: number
  readonly reason: string
  readonly asPredecessor = { places: [], openedIn: 0 }
  readonly ready: Promise<void>
  readonly exited: Promise<WorkerExit>
  state: WorkerState = 'starting'
  readyAt: number | null = null
  stopReason: string | null = null
  #resolveReady = () => {}
  #rejectReady = (_error: unknown) => {}
  #resolveExited = (_exit: WorkerExit) => {}

  constructor(pid: number, reason: string) {
    super()
    this.pid = pid
    this.reason = reason
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve
      this.#rejectReady = reject
    })
    this.ready.catch(() => {})
    this.exited = new Promise((resolve) => {
      this.#resolveExited = resolve
    })
  }

  becomeReady(): void {
    if (this.state !== 'starting') return
    this.#move('ready')
    this.readyAt = Date.now()
    this.#resolveReady()
  }

  drain(): void {
    if (this.state === 'ready') this.#move('draining')
  }

  stop(reason: string): Promise<WorkerExit> {
    this.stopReason ??= reason
    if (this.state === 'starting') this.#rejectReady(new CserviceError('CANCELLED', 'stopped before it was ready'))
    if (this.state !== 'exited') this.#move('stopping')
    return this.exited
  }

  kill(): Promise<WorkerExit> {
    return this.stop('kill')
  }

  /** It has been asked to stop and does so. */
  finish(): void {
    if (this.state === 'stopping') this.#end(true)
  }

  crash(): void {
    if (this.state !== 'exited') this.#end(this.state === 'stopping' || this.state === 'draining')
  }

  #end(isExpected: boolean): void {
    const nothing = { stderr: [], waitedFor: null, waitedMs: 0, listensOn: [] }
    const exit: WorkerExit = { worker: 'pool', pid: this.pid, exitCode: 1, signal: null, ...nothing }
    this.#move('exited')
    setImmediate(() => this.#report(exit, isExpected)) // its last words are waited for
  }

  #report(exit: WorkerExit, isExpected: boolean): void {
    this.emit('exit', exit, { isExpected })
    this.#resolveExited(exit)
    this.#rejectReady(new CserviceError('WORKER_FAILED', 'exited', { details: exit }))
  }

  #move(state: WorkerState): void {
    this.state = state
    this.emit('state', state)
  }
}

function caught(answer: Promise<unknown>): Promise<unknown> {
  answer.catch(() => {}) // looked at when all are there
  return answer
}

function isKnown(outcome: PromiseSettledResult<unknown>): boolean {
  return outcome.status === 'fulfilled' || ['CANCELLED', 'WORKER_FAILED'].includes(outcome.reason.code)
}
