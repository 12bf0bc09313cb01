import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { channelVariable, startTimeOf } from '../common/channel-client.cts'
import type { FromProcess, ProcessMetrics, ToProcess, Ward } from '../common/channel-protocol.ts'
import { CserviceError } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import type { ChannelServer } from './channel-server.ts'
import { Output, type OutputSink } from './output.ts'
import { waitUntilListening } from './readiness.ts'
import { climbStopLadder } from './stop-ladder.ts'
import { isExitExpected, nextState, type WorkerEvent, type WorkerState } from './worker-state.ts'

/** What to run, and how it tells that it is ready. */
export interface Launch {
  /** Absolute path of the program, or of a JavaScript file that `kind` runs with Node. */
  readonly file: string
  /**
   * - `agent`: a Node program of the user, run with our agent inside it
   * - `own`: a Node program of ours, which speaks to the channel itself
   * - `program`: any executable; ready when it accepts connections on `port`
   */
  readonly kind: 'agent' | 'own' | 'program'
  readonly args?: readonly string[]
  readonly cwd: string
  /** Added to the environment of this process. */
  readonly env: Readonly<Record<string, string>>
  /** The loopback port that it is to listen on, where there is one. */
  readonly port?: number
  /** Descriptors that it inherits as 3, 4, … */
  readonly descriptors?: readonly number[]
  /** What it waits for to become ready, for people: `listen on PROXY_PORT 11003`. */
  readonly waitsFor: string
  /** Called once, when the process is gone: gives back what the launch had taken (a port). */
  release?(): void
}

/** Why a worker was started. Carried by each worker; nothing about it is global. */
export type StartReason = 'start' | 'scale' | 'demand' | 'promote' | 'restart' | 'failure'

export interface WorkerOptions {
  readonly id: string
  readonly name: string
  readonly reason: StartReason
  readonly startTimeout: number
  readonly askTimeout: number
  readonly stopTimeout: number
  readonly channel: ChannelServer
  readonly output: OutputSink
  readonly log: Log
}

/** How a worker ended and what is known of it: the explanation of a failure, JSON-safe. */
export interface WorkerExit {
  readonly worker: string
  readonly pid: number | null
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** The last lines of standard error, oldest first. */
  readonly stderr: readonly string[]
  readonly waitedFor: string | null
  /** Milliseconds from the start to the exit or the deadline. */
  readonly waitedMs: number
  /** Ports that it listens on, none of them the one it was given. */
  readonly listensOn: readonly number[]
}

interface WorkerEvents {
  /** Every change of `state`. */
  state: [WorkerState]
  /** It opened its channel; again after each reconnect. */
  connected: []
  message: [unknown]
  exit: [WorkerExit, { readonly isExpected: boolean }]
}

const agentPath = fileURLToPath(new URL('./agent.cjs', import.meta.url))
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
  readonly #starting = new AbortController()

  constructor(launch: Launch, options: WorkerOptions) {
    super()
    this.id = options.id
    this.name = options.name
    this.reason = options.reason
    this.port = launch.port ?? null
    this.kind = launch.kind
    this.#launch = launch
    this.#options = options
    this.#host = '127.0.0.1'
    if (launch.kind !== 'program') this.#openChannel()
    this.#child = spawnWorker(launch, options)
    this.#startTime = this.#child.pid === undefined ? null : startTimeOf(this.#child.pid)
    this.#output = new Output(this.#child, () => `${this.name}:${this.#child.pid} | `, options.output)
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
    this.#move('stop')
    this.#signal('SIGKILL')
    return this.exited
  }

  async #climb(): Promise<WorkerExit> {
    const wasStarting = this.#state === 'starting'
    this.#move('stop')
    await climbStopLadder({
      // A worker that is not up yet has nothing to finish.
      ask: wasStarting || this.kind === 'program' ? null : () => this.tell({ type: 'stop' }),
      signal: (signal) => this.#signal(signal),
      exited: this.exited,
      askDeadline: this.#options.askTimeout,
      termDeadline: this.#options.stopTimeout,
    })
    return this.exited
  }

  #move(event: WorkerEvent): void {
    const state = nextState(this.#state, event)
    if (state === this.#state) return
    this.#state = state
    if (state === 'ready') this.#readyAt = Date.now()
    if (state !== 'ready')
      this.#starting.abort(new CserviceError('CANCELLED', `${this.name}: stopped before it was ready`))
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
        this.#options.log.error({ err: error, worker: this.name }, 'a worker could not be spawned')
        resolve([null, null])
      })
      child.once('exit', (code, by) => resolve([code, by]))
    })
    if (child.pid !== undefined) {
      this.#signal('SIGKILL') // whatever it left behind in its process group
      await Promise.race([
        once(child, 'close'),
        new Promise((resolve) => setTimeout(resolve, lastWordsMs).unref()),
      ]).catch(() => {})
    }
    const isExpected = isExitExpected(this.#state)
    this.#move('exit')
    this.#options.channel.forget(this.id)
    this.#launch.release?.()
    const exit = this.describe({ exitCode, signal })
    this.emit('exit', exit, { isExpected })
    return exit
  }

  async #watchReadiness(): Promise<void> {
    const { startTimeout } = this.#options
    if (this.kind === 'program' && this.port !== null) {
      waitUntilListening(this.port, this.#starting.signal).then(
        (host) => {
          this.#host = host
          this.#move('ready')
        },
        () => {}, // stopped, exited or too late: told below
      )
    }
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

  /** What is known of it, as an explanation. */
  describe(end: { exitCode: number | null; signal: NodeJS.Signals | null }): WorkerExit {
    return {
      worker: this.name,
      pid: this.pid,
      ...end,
      stderr: this.#output.tail,
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

/** One sentence for people: what happened, with what it waited for and how long. */
export function explainFailure(exit: WorkerExit): string {
  const seconds = `${(exit.waitedMs / 1000).toFixed(1)} s`
  const who = exit.pid === null ? exit.worker : `${exit.worker}: worker ${exit.pid}`
  const elsewhere = exit.listensOn.length > 0 ? `; it listens on port ${exit.listensOn.join(', ')} instead` : ''
  const waited = exit.waitedFor === null ? '' : `, waiting for it to ${exit.waitedFor}${elsewhere}`
  if (exit.pid === null) return `${who} could not be started`
  if (exit.signal !== null) return `${who} was ended by ${exit.signal} after ${seconds}${waited}`
  if (exit.exitCode !== null) return `${who} exited with code ${exit.exitCode} after ${seconds}${waited}`
  return `${who} was not ready after ${seconds}${waited}`
}

function spawnWorker(launch: Launch, options: WorkerOptions): ChildProcess {
  const args = launch.args ?? []
  const channel = launch.kind === 'program' ? {} : { [channelVariable]: `${options.channel.path}#${options.id}` }
  const env = { ...process.env, ...launch.env, ...channel }
  // A process group of its own: Ctrl-C in a terminal is for the supervisor, which stops workers in its own order.
  const common = {
    cwd: launch.cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', ...(launch.descriptors ?? [])],
  } as const
  if (launch.kind === 'program') return spawn(launch.file, args, { ...common, stdio: [...common.stdio] })
  const preload = launch.kind === 'agent' ? ['--require', agentPath] : []
  return spawn(process.execPath, [...preload, launch.file, ...args], { ...common, stdio: [...common.stdio] })
}

/** Where a proxy process connects to reach a server that listens on `address`. */
function reachable(address: string): string {
  if (address === '::' || address === '0.0.0.0') return '127.0.0.1'
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}
