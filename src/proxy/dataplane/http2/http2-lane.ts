import type { Socket } from 'node:net'
import type { DataplaneSettings } from '../../messages.ts'
import { drainConnections } from '../drain-connections.ts'
import type { Turn } from '../fast/turn.ts'
import type { WorkerConnections } from '../fast/worker-connections.ts'
import type { Lane, LaneContext } from '../lane.ts'
import { Http2Connection } from './http2-connection.ts'

/** The clock ticks this often, or more often where a time limit is short. */
const tickMs = 250
const shortestTickMs = 10

/** Carries what clients ask for in HTTP/2 to workers that speak HTTP/1.1 (docs/adr/0008). */
export class Http2Lane implements Lane {
  readonly #context: LaneContext
  readonly #workers: WorkerConnections
  readonly #turn: Turn
  readonly #connections = new Set<Http2Connection>()
  #clock: NodeJS.Timeout | null = null
  #isDraining = false

  constructor(context: LaneContext, workers: WorkerConnections, turn: Turn) {
    this.#context = context
    this.#workers = workers
    this.#turn = turn
    this.#startClock(context.settings())
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  configure(settings: DataplaneSettings): void {
    this.#startClock(settings)
  }

  accept(socket: Socket): void {
    const connection = new Http2Connection(socket, {
      context: this.#context,
      workers: this.#workers,
      turn: this.#turn,
      onMisconduct: (kind, peer) => this.#context.refusals.count(kind, peer.address),
      onClosed: () => this.#connections.delete(connection),
    })
    this.#connections.add(connection)
    if (this.#isDraining) connection.startDrain()
  }

  async drain(deadline: number): Promise<void> {
    this.#isDraining = true
    for (const connection of this.#connections) connection.startDrain()
    await drainConnections(this.#connections, deadline)
    if (this.#clock !== null) clearInterval(this.#clock)
    this.#clock = null
  }

  /** One clock for all time limits of all connections. */
  #startClock(settings: DataplaneSettings): void {
    if (this.#clock !== null) clearInterval(this.#clock)
    const { headTimeout, bodyTimeout, sendTimeout, keepAliveTimeout, answerTimeout, connectTimeout } = settings
    const times = [headTimeout, bodyTimeout, sendTimeout, keepAliveTimeout, answerTimeout, connectTimeout].filter(
      (time) => time > 0,
    )
    const interval = Math.max(shortestTickMs, Math.min(tickMs, ...times.map((time) => time / 4)))
    this.#clock = setInterval(() => this.#tick(Date.now()), interval).unref()
  }

  #tick(now: number): void {
    for (const connection of [...this.#connections]) connection.check(now)
    this.#workers.sweep(now, this.#context.settings().connectTimeout)
  }
}
