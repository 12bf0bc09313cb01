import type { Route, RouteTable } from '../routing/route-table.ts'
import { Refusal } from './refusal.ts'

interface Waiter {
  /** The attempt whose failure is this request's own; null: it waits for any change of the routes. */
  awaited: number | null
  settle(refusal: Error | null): void
}

export interface GateOptions {
  /** How many requests may wait at once. */
  limit(): number
  /** Asks for the version to be started. Called once per version and attempt, however many wait. */
  demand(version: string): void
}

/** Where requests wait for a version that does not run yet, bounded in number and in time. */
export class Gate {
  readonly #options: GateOptions
  readonly #waiters = new Map<string, Set<Waiter>>()
  /** By version, the attempt that was asked for last, for as long as somebody waits. */
  readonly #demanded = new Map<string, number>()
  #size = 0

  constructor(options: GateOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#size
  }

  /**
   * Resolves when the version is ready.
   * @param patience milliseconds
   * @throws Refusal: GATE_FULL, VERSION_STARTING at the end of the patience, or why it failed
   */
  waitUntilReady(version: string, route: Route, patience: number, signal: AbortSignal): Promise<void> {
    const awaited = awaitedAttempt(route)
    const tooLate = new Refusal('VERSION_STARTING', { retryAfter: 1 })
    return this.#wait(version, awaited, patience, tooLate, signal, () => this.#demand(version, route, awaited))
  }

  /**
   * Resolves when a new table has come, or after `patience` milliseconds.
   * @throws Refusal: GATE_FULL
   */
  waitForChange(version: string, patience: number, signal: AbortSignal): Promise<void> {
    return this.#wait(version, null, patience, null, signal, () => {})
  }

  /** Lets everybody go on whose wait is decided by the new table. */
  update(table: RouteTable): void {
    for (const [version, waiters] of this.#waiters) {
      const route = table.route(version)
      for (const waiter of [...waiters]) {
        const verdict = waiter.awaited === null ? 'go' : judge(route, waiter.awaited)
        if (verdict === 'go') waiter.settle(null)
        else if (verdict instanceof Error) waiter.settle(verdict)
        else if (route?.state === 'cold') {
          // It was stopped again in between: it is asked for once more.
          waiter.awaited = awaitedAttempt(route)
          this.#demand(version, route, waiter.awaited)
        }
      }
    }
  }

  #demand(version: string, route: Route, awaited: number): void {
    if (route.state === 'starting' || this.#demanded.get(version) === awaited) return
    this.#demanded.set(version, awaited)
    this.#options.demand(version)
  }

  #wait(
    version: string,
    awaited: number | null,
    patience: number,
    atTheEnd: Error | null,
    signal: AbortSignal,
    onWaiting: () => void,
  ): Promise<void> {
    if (this.#size >= this.#options.limit()) return Promise.reject(new Refusal('GATE_FULL', { retryAfter: 1 }))
    if (signal.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const settle = (refusal: Error | null): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        if (!this.#remove(version, waiter)) return
        if (refusal === null) resolve()
        else reject(refusal)
      }
      const waiter: Waiter = { awaited, settle }
      const onAbort = (): void => settle(signal.reason)
      const timer = setTimeout(() => settle(atTheEnd), patience)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#add(version, waiter)
      onWaiting()
    })
  }

  #add(version: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(version)
    if (waiters === undefined) this.#waiters.set(version, new Set([waiter]))
    else waiters.add(waiter)
    this.#size++
  }

  #remove(version: string, waiter: Waiter): boolean {
    const waiters = this.#waiters.get(version)
    if (!waiters?.delete(waiter)) return false
    this.#size--
    if (waiters.size > 0) return true
    this.#waiters.delete(version)
    // Whoever comes next asks again: a demand that was lost must not keep the version cold for ever.
    this.#demanded.delete(version)
    return true
  }
}

/** The attempt that a request which finds the version like this waits for. */
export function awaitedAttempt(route: Route): number {
  return route.state === 'starting' ? route.attempt : route.attempt + 1
}

/** What a new route means for a request that waits for an attempt: go on, stay, or the reason why it is refused. */
export function judge(route: Route | undefined, awaited: number): 'go' | 'stay' | Refusal {
  if (route === undefined) return new Refusal('UNKNOWN_VERSION')
  if (route.state === 'ready') return 'go'
  if (route.state === 'failed' && route.attempt >= awaited) return failure(route)
  return 'stay'
}

/** Why a request for a failed version is refused. */
export function failure(route: Route): Refusal {
  const seconds = Math.ceil(((route.retryAt ?? 0) - Date.now()) / 1000)
  return new Refusal(route.code ?? 'VERSION_FAILED', { retryAfter: Math.max(1, seconds) })
}
