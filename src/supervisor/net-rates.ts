import type { ProcessMetrics } from '../common/channel-protocol.ts'

/** Requests and connections of a worker; averages are a second's, smoothed over the last reports. */
export interface NetFigures {
  readonly requests: number
  readonly connections: number
  readonly connectionsOpen: number
  readonly avgRequests: number
  readonly avgConnections: number
}

/** Turns counters that come now and then into rates. */
export class NetRates {
  #last: { net: NonNullable<ProcessMetrics['net']>; at: number } | null = null
  #figures: NetFigures | null = null

  /** Null until the worker has had a server. */
  get figures(): NetFigures | null {
    return this.#figures
  }

  /** @param now milliseconds of a clock that only goes forward */
  update(net: ProcessMetrics['net'], now: number): void {
    if (net === undefined) return
    const seconds = this.#last === null ? 0 : (now - this.#last.at) / 1_000
    // Asked twice within a moment: the counters are new, a rate would be noise.
    const isRate = this.#last !== null && seconds >= 0.5
    const rate = (key: 'requests' | 'connections', old: number) =>
      isRate && this.#last !== null ? ((net[key] - this.#last.net[key]) / seconds + 2 * old) / 3 : old
    this.#figures = {
      ...net,
      avgRequests: rate('requests', this.#figures?.avgRequests ?? 0),
      avgConnections: rate('connections', this.#figures?.avgConnections ?? 0),
    }
    if (isRate || this.#last === null) this.#last = { net, at: now }
  }
}
