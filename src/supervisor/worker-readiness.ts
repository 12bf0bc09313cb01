import { setTimeout as sleep } from 'node:timers/promises'
import type { FromProcess } from '../common/channel-protocol.ts'
import type { Launch } from './launch.ts'
import { reachable, waitUntilListening } from './port-readiness.ts'
import { type Predecessor, ReadinessRule, settleTime } from './readiness-rule.ts'

/** For so long the agent of a Node worker is waited for before its port is looked at, in milliseconds. */
const agentSilence = 1_000

/**
 * Finds out when a worker is ready, and where it listens. Our agent says so, or tells facts that a rule judges; of a
 * program without it the port is tried. Owns its timers; `end` it.
 */
export class WorkerReadiness {
  readonly #launch: Launch
  readonly #onReady: () => void
  readonly #rule: ReadinessRule
  readonly #ended = new AbortController()
  #host: string
  #listensElsewhere: number[] = []
  #waitsForCall = false
  #settling: NodeJS.Timeout | null = null
  readonly #predecessor: Predecessor
  readonly #startedAt = performance.now()
  #openedIn = 0

  /**
   * @param predecessor the worker whose place this one takes
   * @param onReady called once, and not after `end`
   * @param host the loopback address on which it listens, as long as nobody says otherwise
   */
  constructor(launch: Launch, predecessor: Predecessor, onReady: () => void, host = '127.0.0.1') {
    this.#host = host
    this.#launch = launch
    this.#onReady = onReady
    this.#predecessor = predecessor
    this.#rule = new ReadinessRule(predecessor.places)
    if (launch.port !== undefined && launch.kind !== 'own') void this.#watchPort(launch.port)
  }

  /** The loopback address on which it listens. */
  get host(): string {
    return this.#host
  }

  /** Where it listens: `port 3000`, or the path of a socket. */
  get places(): readonly string[] {
    return this.#rule.places
  }

  /** What its own successor is measured by. */
  get asPredecessor(): Predecessor {
    return { places: this.places, openedIn: this.#openedIn }
  }

  /** Ports that it listens on, and not the one that it was given. */
  get listensElsewhere(): readonly number[] {
    return this.#listensElsewhere
  }

  /** What is missing, for people. */
  get waitsFor(): string {
    if (this.#launch.kind === 'cluster') return this.#rule.waitsFor
    return this.#waitsForCall ? 'call workerReady()' : this.#launch.waitsFor
  }

  /** One more fact. Only of a worker that shares its ports do we decide; others say that they are ready. */
  take(message: FromProcess): void {
    const isShared = this.#launch.kind === 'cluster'
    if (message.type === 'wait') this.#waitsForCall = true
    if (message.type === 'listening' && !isShared) {
      if (message.expected) this.#host = reachable(message.address)
      else this.#listensElsewhere.push(message.port)
    }
    if (message.type === 'listening') this.#openedIn = performance.now() - this.#startedAt
    const verdict = this.#rule.take(message)
    if (this.#ended.signal.aborted || message.type === 'closed') return
    if (this.#settling) clearTimeout(this.#settling)
    if (message.type === 'ready' || (isShared && verdict === 'ready')) this.#report()
    else if (isShared && verdict === 'settle')
      this.#settling = setTimeout(() => this.#report(), settleTime(this.#predecessor))
  }

  /** It is ready, or will never be. */
  end(): void {
    this.#ended.abort()
    if (this.#settling) clearTimeout(this.#settling)
  }

  #report(): void {
    if (this.#ended.signal.aborted) return
    this.end()
    this.#onReady()
  }

  /**
   * A program without an agent is ready when its port accepts connections. A Node worker says so itself, long before; but
   * it may leave the listening to a process that it starts, which only its port can tell.
   */
  async #watchPort(port: number): Promise<void> {
    try {
      const { signal } = this.#ended
      if (this.#launch.kind === 'agent') await sleep(agentSilence, undefined, { signal })
      const host = await waitUntilListening(port, signal)
      if (this.#waitsForCall || this.#ended.signal.aborted) return
      this.#host = host
      this.#report()
    } catch {
      // it became ready, stopped or exited: told elsewhere
    }
  }
}
