import type { ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startTimeOf } from '../common/channel-client.cts'
import type { FromProcess, ProcessMetrics, ToProcess, Ward } from '../common/channel-protocol.ts'
import { CserviceError } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import type { ChannelServer } from './channel-server.ts'
import { type Launch, spawnWorker } from './launch.ts'
import { Output, type OutputSink } from './output.ts'
import { type OutputPipes, openOutputPipes } from './output-pipe.ts'
import { reachable, waitUntilListening } from './readiness.ts'
import { climbStopLadder } from './stop-ladder.ts'
import { explainFailure, type WorkerExit } from './worker-exit.ts'
import { isExitExpected, nextState, type WorkerEvent, type WorkerState } from './worker-state.ts'

/** Why a worker was started. Carried by each worker; nothing about it is global. */
export type StartReason = 'start' | 'scale' | 'demand' | 'promote' | 'restart' | 'failure'

/** In milliseconds; read when they are needed, so that a change holds for workers that run already. */
export interface WorkerTimeouts {
  readonly startTimeout: number
  /** How long a worker may take to stop after SIGTERM, before SIGKILL. */
  readonly stopTimeout: number
  /** How long it may take when it is asked over its channel, before SIGTERM; `stopTimeout` by default. */
  readonly askTimeout?: number
}

export interface WorkerOptions {
  readonly id: string
  readonly name: string
  readonly reason: StartReason
  readonly timeouts: WorkerTimeouts
  readonly channel: ChannelServer
  readonly output: OutputSink
  readonly log: Log
}

interface WorkerEvents {
  /** Every change of `state`. */
  state: [WorkerState]
  /** It opened its channel; again after each reconnect. */
  connected: []
  message: [unknown]
  exit: [WorkerExit, { readonly isExpected: boolean }]
}

/** For so long the agent of a Node worker is waited for before its port is looked at, in milliseconds. */
const agentSilence = 1_000
/** The exit is reported a little later than the process ends, so that its last words are in. */
const lastWordsMs = 200

/** A worker as the supervisor sees it: one child process, its state, its channel, its end. Owns the process. */
export class WorkerHandle extends EventEmitter<WorkerEvents> {
  readonly id: string
  readonly name: string
  readonly reason: StartReason
  readonly port: number | null
  readonly kind: Launch['kind']
  readonly startedAt = Date.now()
  /** Resolves when it is ready; rejects with WORKER_FAILED, or CANCELLED when it was stopped before. */
  readonly ready: Promise<void>
  /** Resolves when the process is gone. */
  readonly exited: Promise<WorkerExit>

  readonly #options: WorkerOptions
  readonly #launch: Launch
  readonly #child: ChildProcess
  readonly #output: Output
  readonly #startTime: string | null
  #state: WorkerState = 'starting'
  #readyAt: number | null = null
  #host: string
  #metrics: ProcessMetrics | null = null
  #listensOn: number[] = []
  #waitsForCall = false
  #stop: Promise<WorkerExit> | null = null
  #spawnError: Error | null = null
  readonly #starting = new AbortController()

  /** Starts a worker. @throws what the system says when it has no process or descriptor left to give */
  static async start(launch: Launch, options: WorkerOptions): Promise<WorkerHandle> {
    // Our own code bears it when nobody reads its output; of other programs that cannot be asked.
    const pipes = launch.kind === 'program' ? await openOutputPipes(dirname(options.channel.path)) : null
    return new WorkerHandle(launch, options, pipes)
  }

  private constructor(launch: Launch, options: WorkerOptions, pipes: OutputPipes | null) {
    super()
    this.id = options.id
    this.name = options.name
    this.reason = options.reason
    this.port = launch.port ?? null
    this.kind = launch.kind
    this.#launch = launch
    this.#options = options
    this.#host = '127.0.0.1'
    const spawned = spawnWorker(launch, `${options.channel.path}#${options.id}`, pipes)
    this.#child = spawned.child
    if (launch.kind !== 'program') this.#openChannel()
    this.#startTime = this.#child.pid === undefined ? null : startTimeOf(this.#child.pid)
    this.#output = new Output(spawned, () => `${this.name}:${this.#child.pid} | `, options.output)
    this.exited = this.#watchExit()
    this.ready = this.#watchReadiness()
    this.ready.catch(() => {}) // a failure is also an exit, which is always handled
  }

  get state(): WorkerState {
    return this.#state
  }

  get pid(): number | null {
    return this.#child.pid ?? null
  }

  /** The loopback address on which it listens. */
  get host(): string {
    return this.#host
  }

  get readyAt(): number | null {
    return this.#readyAt
  }

  get metrics(): ProcessMetrics | null {
    return this.#metrics
  }

  /** What ends this process should the supervisor not come back; null when it could not be started. */
  get ward(): Ward | null {
    return this.#child.pid === undefined ? null : { pid: this.#child.pid, startTime: this.#startTime }
  }

  /** Hands `body` to our code in the process. @returns false when it is not connected */
  send(body: unknown): boolean {
    return this.#options.channel.send(this.id, { type: 'message', body })
  }

  tell(message: ToProcess): boolean {
    return this.#options.channel.send(this.id, message)
  }

  /** Gets nothing new from now on. */
  drain(): void {
    this.#move('drain')
  }

  /** Asks it to stop, then SIGTERM, then SIGKILL, each with its deadline. Idempotent. */
  stop(): Promise<WorkerExit> {
    this.#stop ??= this.#climb()
    return this.#stop
  }

  /** SIGKILL at once. */
  kill(): Promise<WorkerExit> {
    if (this.#state === 'exited') return this.exited
    this.#move('stop')
    this.#signal('SIGKILL')
    return this.exited
  }

  async #climb(): Promise<WorkerExit> {
    if (this.#state === 'exited') return this.exited // its pid may be that of a stranger by now
    const wasStarting = this.#state === 'starting'
    this.#move('stop')
    const { stopTimeout, askTimeout = stopTimeout } = this.#options.timeouts
    await climbStopLadder({
      // A worker that is not up yet has nothing to finish.
      ask: wasStarting || this.kind === 'program' ? null : () => this.tell({ type: 'stop' }),
      signal: (signal) => this.#signal(signal),
      exited: this.exited,
      askDeadline: askTimeout,
      termDeadline: stopTimeout,
    })
    return this.exited
  }

  #move(event: WorkerEvent): void {
    const state = nextState(this.#state, event)
    if (state === this.#state) return
    this.#state = state
    if (state === 'ready') this.#readyAt = Date.now()
    this.#starting.abort()
    this.emit('state', state)
  }

  #openChannel(): void {
    this.#options.channel.expect(this.id, {
      onConnected: () => this.emit('connected'),
      onMessage: (message) => this.#receive(message),
      onDisconnected: () => {},
    })
  }

  #receive(message: FromProcess): void {
    switch (message.type) {
      case 'message':
        this.emit('message', message.body)
        return
      case 'metrics':
        this.#metrics = message.metrics
        return
      case 'listening':
        if (message.expected) this.#host = reachable(message.address)
        else this.#listensOn.push(message.port)
        return
      case 'wait':
        this.#waitsForCall = true
        return
      case 'ready':
        this.#move('ready')
    }
  }

  async #watchExit(): Promise<WorkerExit> {
    const child = this.#child
    const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      child.once('error', (error) => {
        if (child.pid !== undefined) return
        this.#spawnError = error
        resolve([null, null])
      })
      child.once('exit', (code, by) => resolve([code, by]))
    })
    const isExpected = isExitExpected(this.#state)
    this.#move('exit')
    if (child.pid !== undefined) {
      this.#signal('SIGKILL') // whatever it left behind in its process group
      await Promise.race([this.#output.ended, new Promise((resolve) => setTimeout(resolve, lastWordsMs).unref())])
    }
    this.#options.channel.forget(this.id)
    this.#launch.release?.()
    const exit = this.describe({ exitCode, signal })
    this.emit('exit', exit, { isExpected })
    return exit
  }

  async #watchReadiness(): Promise<void> {
    const { startTimeout } = this.#options.timeouts
    if (this.port !== null && this.kind !== 'own') this.#watchPort(this.port)
    const deadline = AbortSignal.timeout(startTimeout)
    const state = await Promise.race([
      once(this, 'state', { signal: deadline }).then(([state]) => state as WorkerState),
      this.exited.then(() => 'exited' as const),
    ]).catch(() => 'late' as const)
    if (state === 'ready') return
    if (state === 'stopping') throw new CserviceError('CANCELLED', `${this.name}: stopped before it was ready`)
    if (state === 'late') {
      const details = this.describe({ exitCode: null, signal: null })
      this.kill()
      throw new CserviceError('WORKER_FAILED', explainFailure(details), { details })
    }
    const details = await this.exited
    throw new CserviceError('WORKER_FAILED', explainFailure(details), { details })
  }

  /**
   * A program without an agent is ready when its port accepts connections. A Node worker says so itself, long before; but
   * it may leave the listening to a process that it starts, which only its port can tell.
   */
  async #watchPort(port: number): Promise<void> {
    try {
      const { signal } = this.#starting
      if (this.kind === 'agent') await sleep(agentSilence, undefined, { signal })
      const host = await waitUntilListening(port, signal)
      if (this.#waitsForCall) return
      this.#host = host
      this.#move('ready')
    } catch {
      // it became ready, stopped or exited: told elsewhere
    }
  }

  /** What is known of it, as an explanation. */
  describe(end: { exitCode: number | null; signal: NodeJS.Signals | null }): WorkerExit {
    return {
      worker: this.name,
      pid: this.pid,
      ...end,
      stderr: this.#spawnError === null ? this.#output.tail : [this.#spawnError.message],
      waitedFor: this.#readyAt === null ? (this.#waitsForCall ? 'call workerReady()' : this.#launch.waitsFor) : null,
      waitedMs: Date.now() - this.startedAt,
      listensOn: this.#listensOn,
    }
  }

  /** To the whole process group, so that what a worker started ends with it. */
  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return
    try {
      process.kill(-this.#child.pid, signal)
    } catch {
      // nobody is left in the group
    }
  }
}
