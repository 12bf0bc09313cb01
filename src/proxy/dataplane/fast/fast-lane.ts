import type { Socket } from 'node:net'
import type { DataplaneSettings } from '../../messages.ts'
import { drainConnections } from '../drain-connections.ts'
import type { Lane, LaneContext } from '../lane.ts'
import { FastConnection, type FastConnectionOwner } from './fast-connection.ts'
import type { Turn } from './turn.ts'
import type { WorkerConnections } from './worker-connections.ts'

/** The clock ticks this often, or more often where a time limit is short. */
const tickMs = 250
const shortestTickMs = 10

/**
 * Carries plain, unambiguous HTTP/1.1 requests by passing their bytes on (docs/adr/0001). From the first request on that it is not
 * certain of, a connection belongs to the other lane.
 */
export class FastLane implements Lane, FastConnectionOwner {
  readonly context: LaneContext
  readonly workers: WorkerConnections
  readonly turn: Turn
  readonly #other: Lane
  readonly #connections = new Set<FastConnection>()
  #clock: NodeJS.Timeout | null = null
  #isDraining = false

  constructor(context: LaneContext, workers: WorkerConnections, turn: Turn, other: Lane) {
    this.context = context
    this.workers = workers
    this.turn = turn
    this.#other = other
    this.#startClock(context.settings())
  }

  get connectionCount(): number {
    return this.#connections.size + this.#other.connectionCount
  }

  configure(settings: DataplaneSettings): void {
    this.#other.configure(settings)
    this.#startClock(settings)
  }

  accept(socket: Socket): void {
    if (this.context.settings().binding.redirect !== null) {
      this.#other.accept(socket)
      return
    }
    this.#connections.add(new FastConnection(socket, this))
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  onDeclined(connection: FastConnection, since: number): void {
    this.#connections.delete(connection)
    this.#other.accept(connection.socket, since)
  }

  onClosed(connection: FastConnection): void {
    this.#connections.delete(connection)
  }

  async drain(deadline: number): Promise<void> {
    this.#isDraining = true
    const began = Date.now()
    do {
      // A connection may still go over to the other lane.
      const left = Math.max(0, began + deadline - Date.now())
      await Promise.all([drainConnections(this.#connections, left), this.#other.drain(left)])
    } while (this.connectionCount > 0)
    if (this.#clock !== null) clearInterval(this.#clock)
    this.#clock = null
  }

  /** One clock for all time limits of all connections: a timer for each request costs more than it is worth. */
  #startClock(settings: DataplaneSettings): void {
    if (this.#clock !== null) clearInterval(this.#clock)
    const { headTimeout, bodyTimeout, sendTimeout, keepAliveTimeout, answerTimeout, connectTimeout } = settings
    const limits = [headTimeout, bodyTimeout, sendTimeout, keepAliveTimeout, answerTimeout, connectTimeout].filter(
      (limit) => limit > 0,
    )
    const interval = Math.max(shortestTickMs, Math.min(tickMs, ...limits.map((limit) => limit / 4)))
    this.#clock = setInterval(() => this.#tick(Date.now(), interval), interval).unref()
  }

  #tick(now: number, interval: number): void {
    for (const connection of this.#connections) connection.check(now, now + interval)
    this.workers.sweep(now, this.context.settings().connectTimeout)
  }
}
