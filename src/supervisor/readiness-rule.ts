import type { FromProcess } from '../common/channel-protocol.ts'

/** `settle`: it is ready if it says nothing more for a while. */
export type Readiness = 'ready' | 'settle' | 'not-yet'

/** What a successor is measured by. */
export interface Predecessor {
  /** Where it listens: `port 3000`, or the path of a socket. */
  readonly places: readonly string[]
  /** Milliseconds from its start until it listened on the last of them. */
  readonly openedIn: number
}

/** So long after it opened a port a worker is ready though its predecessor listened on more, in milliseconds. */
const shortestSettle = 2_000
/** And no longer, whatever its predecessor took: that one may have opened a port for a moment, an hour after its start. */
const longestSettle = 20_000

/**
 * How long a worker that listens on other places than its predecessor, or on fewer, is given to open more: twice as long
 * as that one took. Many programs open a port for metrics at once, and the one that matters when they have their database.
 */
export function settleTime({ openedIn }: Predecessor): number {
  return Math.min(longestSettle, Math.max(shortestSettle, 2 * openedIn))
}

/**
 * When a worker that shares its ports is ready, from what its agent tells, as values. It is ready when it says so
 * (`workerReady()`). Otherwise:
 *
 * - one without a predecessor, when its main file has run and every server that it opened so far listens;
 * - one that takes the place of another, when it listens wherever that one does, so that an upgrade of a program that opens
 *   its port late never leaves the port without a worker; or when it listens somewhere and opens no more.
 */
export class ReadinessRule {
  readonly #awaited: ReadonlySet<string>
  /** By name, on how many addresses. */
  readonly #places = new Map<string, number>()
  #waits = false
  #isLoaded = false

  /** @param predecessor the places where the worker listens whose place this one takes; none: no predecessor */
  constructor(predecessor: Iterable<string>) {
    this.#awaited = new Set(predecessor)
  }

  /** What follows from one more message. */
  take(message: FromProcess): Readiness {
    if (message.type === 'ready') return 'ready'
    if (message.type === 'wait') this.#waits = true
    if (message.type === 'loaded') this.#isLoaded = true
    if (message.type === 'listening') this.#count(placeName(message), 1)
    if (message.type === 'closed') this.#count(placeName(message), -1)
    if (this.#waits) return 'not-yet'
    if (this.#awaited.size === 0) return this.#isLoaded ? 'ready' : 'not-yet'
    if ([...this.#awaited].every((place) => this.#places.has(place))) return 'ready'
    return this.#places.size > 0 && this.#isLoaded ? 'settle' : 'not-yet'
  }

  /** Where it listens so far. */
  get places(): readonly string[] {
    return [...this.#places.keys()]
  }

  #count(place: string, change: number): void {
    const count = (this.#places.get(place) ?? 0) + change
    if (count > 0) this.#places.set(place, count)
    else this.#places.delete(place)
  }

  /** What is missing, for people. */
  get waitsFor(): string {
    if (this.#waits) return 'call workerReady()'
    const missing = [...this.#awaited].filter((place) => !this.#places.has(place))
    return missing.length === 0 ? 'load' : `listen on ${missing.join(' and ')}, as its predecessor does`
  }
}

/** `port 3000`, or the path of a socket. The address does not matter: who changes it means the same port. */
function placeName({ port, address }: { readonly port: number; readonly address: string }): string {
  return port === 0 ? address : `port ${port}`
}
