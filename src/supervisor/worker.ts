import type { Worker as ClusterWorker } from 'node:cluster'
import { EventEmitter, once } from 'node:events'
import type { FromProcess, ProcessMetrics, ToProcess, Ward } from '../common/channel-protocol.ts'
import { CserviceError } from '../common/errors.ts'
import type { ChannelPeer } from './channel-server.ts'
import type { InventoryEntry } from './inventory.ts'
import type { Launch } from './launch.ts'
import { type NetFigures, NetRates } from './net-rates.ts'
import type { WorkerEntry } from './plain/worker-entry.ts'
import type { Predecessor } from './readiness-rule.ts'
import { type Beginning, startProcess } from './start-process.ts'
import { climbStopLadder } from './stop-ladder.ts'
import { within } from './within.ts'
import { explainFailure, type WorkerExit } from './worker-exit.ts'
import type { StartReason, StopReason, WorkerOptions } from './worker-options.ts'
import type { ProcessEnd, WorkerProcess } from './worker-process.ts'
import { WorkerReadiness } from './worker-readiness.ts'
import { isExitExpected, nextState, type WorkerEvent, type WorkerState } from './worker-state.ts'

interface WorkerEvents {
  /** Every change of `state`. */
  state: [WorkerState]
  /** It opened its channel; again after each reconnect. */
  connected: []
  message: [unknown]
  metrics: []
  exit: [WorkerExit, { readonly isExpected: boolean }]
}

/** What is known of a worker that another supervisor has started. */
export type Past = Pick<InventoryEntry, 'host' | 'startedAt' | 'readyAt'> & { readonly state: WorkerState }

/** A worker as the supervisor sees it: one process, its state, its channel, its end. Owns the process. */
export class WorkerHandle extends EventEmitter<WorkerEvents> {
  readonly id: string
  readonly name: string
  readonly reason: StartReason
  readonly port: number | null
  readonly kind: Launch['kind']
  /** Absolute path of its program, and its working directory. */
  readonly file: string
  readonly cwd: string
  /** The entry of `workers` that it was made from; null for one that is not of a plain service. */
  readonly entry: WorkerEntry | null
  readonly startedAt: number
  /** Resolves when it is ready; rejects with WORKER_FAILED, or CANCELLED when it was stopped before. */
  readonly ready: Promise<void>
  /** Resolves when the process is gone. */
  readonly exited: Promise<WorkerExit>

  readonly #options: WorkerOptions
  readonly #launch: Launch
  readonly #process: WorkerProcess
  readonly #readiness: WorkerReadiness
  readonly #rates = new NetRates()
  #state: WorkerState = 'starting'
  #readyAt: number | null = null
  #metrics: ProcessMetrics | null = null
  #unansweredPings = 0
  #note: string | null = null
  #stopReason: StopReason | null = null

  /** Starts a worker. @throws what the system says when it has no process or descriptor left to give */
  static async start(launch: Launch, options: WorkerOptions): Promise<WorkerHandle> {
    return new WorkerHandle(launch, options, await startProcess(launch, options))
  }

  /** @param past of a worker that is adopted; null: it is new */
  constructor(launch: Launch, options: WorkerOptions, { process, early }: Beginning, past: Past | null = null) {
    super()
    this.setMaxListeners(0) // any number of commands may ask it for its metrics at once
    this.id = options.id
    this.name = options.name
    this.reason = options.reason
    this.port = launch.port ?? null
    this.kind = launch.kind
    this.file = launch.file
    this.cwd = launch.cwd
    this.entry = launch.entry ?? null
    this.#launch = launch
    this.#options = options
    this.#process = process
    this.isAdopted = past !== null
    this.startedAt = past?.startedAt ?? Date.now()
    this.#state = past?.state ?? 'starting'
    this.#readyAt = past?.readyAt ?? null
    this.#readiness = new WorkerReadiness(launch, options.predecessor, () => this.#move('ready'), past?.host)
    if (this.#state !== 'starting') this.#readiness.end()
    if (launch.kind !== 'program') this.#openChannel(early)
    this.exited = this.#watchExit()
    this.ready = this.#watchReadiness()
    this.ready.catch(() => {}) // a failure is also an exit, which is always handled
  }

  /** Whether another supervisor has started it. */
  readonly isAdopted: boolean

  get state(): WorkerState {
    return this.#state
  }

  get pid(): number | null {
    return this.#process.pid
  }

  /** What `node:cluster` knows it by; null for the other kinds. */
  get clusterWorker(): ClusterWorker | null {
    return this.#process.clusterWorker
  }

  /** The loopback address on which it listens. */
  get host(): string {
    return this.#readiness.host
  }

  get readyAt(): number | null {
    return this.#readyAt
  }

  get metrics(): ProcessMetrics | null {
    return this.#metrics
  }

  /** Null for a worker without servers, and for one that has no agent. */
  get net(): NetFigures | null {
    return this.#rates.figures
  }

  /** Has it report its metrics now; resolves when it has, or cannot, or after `patience` milliseconds. */
  async refresh(patience: number): Promise<void> {
    if (this.kind !== 'agent' && this.kind !== 'cluster') return
    if (this.#state === 'exited' || !this.tell({ type: 'report' })) return
    const ended = new AbortController()
    const { signal } = ended
    await within(Promise.race([once(this, 'metrics', { signal }), this.exited]), patience)
    ended.abort()
  }

  /** Why it was asked to stop; null: it was not. */
  get stopReason(): StopReason | null {
    return this.#stopReason
  }

  /** What ends this process should the supervisor not come back; null when it could not be started. */
  get ward(): Ward | null {
    return this.#process.ward
  }

  /** Hands `body` to our code in the process. @returns false when it is not connected */
  send(body: unknown): boolean {
    return this.#options.channel.send(this.id, { type: 'message', body })
  }

  tell(message: ToProcess): boolean {
    return this.#options.channel.send(this.id, message)
  }

  /** Where it listens: `port 3000`, or the path of a socket. */
  get places(): readonly string[] {
    return this.#readiness.places
  }

  get asPredecessor(): Predecessor {
    return this.#readiness.asPredecessor
  }

  /** Asks whether its event loop turns. @returns how many of these questions it has left unanswered */
  ping(): number {
    this.#unansweredPings++
    this.tell({ type: 'ping' })
    return this.#unansweredPings
  }

  /** Gets nothing new from now on. */
  drain(): void {
    this.#move('drain')
  }

  /**
   * Asks it to stop, then SIGTERM, then SIGKILL, each with its deadline. It may be said again: the shortest deadline holds.
   * @param askTimeout instead of the one of its pool, in milliseconds; Infinity: as long as it takes
   */
  stop(reason: StopReason, askTimeout?: number): Promise<WorkerExit> {
    this.#stopReason ??= reason
    return this.#climb(askTimeout)
  }

  /** SIGKILL at once. */
  kill(): Promise<WorkerExit> {
    if (this.#state === 'exited') return this.exited
    this.#move('stop')
    this.#process.signal('SIGKILL')
    return this.exited
  }

  /** Ends it at once as if it had failed by itself: its pool puts another in its place. @param why for people */
  fail(why: string): void {
    this.#note = why
    this.#process.signal('SIGKILL')
  }

  async #climb(askDeadline?: number): Promise<WorkerExit> {
    if (this.#state === 'exited') return this.exited // its pid may be that of a stranger by now
    const wasStarting = this.#state === 'starting'
    const wasAsked = this.#state === 'stopping'
    this.#move('stop')
    const { stopTimeout, askTimeout = stopTimeout } = this.#options.timeouts
    await climbStopLadder({
      // A worker that is not up yet has nothing to finish; one that was asked before only gets its new deadline.
      ask: wasStarting || this.kind === 'program' ? null : () => wasAsked || this.tell({ type: 'stop' }),
      signal: (signal) => this.#process.signal(signal),
      exited: this.exited,
      askDeadline: askDeadline ?? askTimeout,
      termDeadline: Math.min(stopTimeout, askDeadline ?? stopTimeout),
    })
    return this.exited
  }

  #move(event: WorkerEvent): void {
    const state = nextState(this.#state, event)
    if (state === this.#state) return
    this.#state = state
    if (state === 'ready') this.#readyAt = Date.now()
    this.#readiness.end()
    this.emit('state', state)
  }

  #openChannel(early: Beginning['early']): void {
    const peer: ChannelPeer = {
      onConnected: () => this.emit('connected'),
      onMessage: (message) => this.#receive(message),
      onDisconnected: () => this.#process.look(),
    }
    if (!early) this.#options.channel.expect(this.id, peer)
    // It is connected and may have spoken already; whoever follows this worker hears it when all of them listen.
    else setImmediate(() => this.#state !== 'exited' && early.handOver(peer))
  }

  #receive(message: FromProcess): void {
    this.#unansweredPings = 0 // whoever says something is awake
    if (message.type === 'message') this.emit('message', message.body)
    else if (message.type === 'metrics') this.#takeMetrics(message.metrics)
    else if (message.type === 'output') this.#process.hear(message.stream, message.text)
    else this.#readiness.take(message)
  }

  #takeMetrics(metrics: ProcessMetrics): void {
    this.#metrics = metrics
    this.#rates.update(metrics.net, performance.now())
    this.emit('metrics')
  }

  async #watchExit(): Promise<WorkerExit> {
    const end = await this.#process.ended
    const isExpected = isExitExpected(this.#state)
    this.#move('exit')
    await this.#process.cleanUp()
    this.#options.channel.forget(this.id)
    this.#launch.release?.()
    const exit = this.describe(end)
    this.emit('exit', exit, { isExpected })
    return exit
  }

  async #watchReadiness(): Promise<void> {
    if (this.#readyAt !== null) return
    const { startTimeout } = this.#options.timeouts
    const changed = once(this, 'state').then(([state]) => state as WorkerState)
    const isInTime = await within(changed, startTimeout)
    const state = isInTime ? await changed : 'starting'
    if (state === 'ready') return
    if (state === 'stopping') throw new CserviceError('CANCELLED', `${this.name}: stopped before it was ready`)
    if (!isInTime) {
      const details = this.describe({ exitCode: null, signal: null })
      this.kill()
      throw new CserviceError('WORKER_FAILED', explainFailure(details), { details })
    }
    const details = await this.exited
    throw new CserviceError('WORKER_FAILED', explainFailure(details), { details })
  }

  /** What is known of it, as an explanation. */
  describe(end: ProcessEnd): WorkerExit {
    const note = this.#note ?? this.#process.breach
    return {
      worker: this.name,
      pid: this.pid,
      ...end,
      stderr: this.#process.lastWords,
      waitedFor: this.#readyAt === null ? this.#readiness.waitsFor : null,
      waitedMs: Date.now() - this.startedAt,
      listensOn: this.#readiness.listensElsewhere,
      ...(note === null ? {} : { note }),
    }
  }
}
