import type { RouteTable, Target } from '../routing/route-table.ts'
import { chooseTarget } from './balancer.ts'
import { type Ejection, eject } from './ejection.ts'

/** A target that counts one request more until it is released. */
export interface Claim {
  readonly target: Target
  /** The request no longer concerns the target. May be called more than once. */
  release(): void
  /** It answered: earlier failures are forgotten. */
  succeed(): void
  /** It refused or reset the connection: ejects it. */
  fail(reason: string): void
}

export interface TargetsEvents {
  /** Left the table and has nothing in flight any more. */
  onReleased(targets: readonly Target[]): void
  onEjected(target: Target, reason: string): void
}

interface TargetState {
  target: Target
  inFlight: number
  ejection: Ejection | null
  ejectedUntil: number
  isLeaving: boolean
}

/** Owns what this process knows of each target: requests in flight, failures, and whether it has left the table. */
export class Targets {
  readonly #events: TargetsEvents
  readonly #states = new Map<string, TargetState>()
  #turn = 0

  constructor(events: TargetsEvents) {
    this.#events = events
  }

  /** Takes over the targets of a new table. Those that left it are released, at once or when their last request ends. */
  update(table: RouteTable): void {
    const present = new Set<string>()
    for (const target of table.targets()) {
      present.add(target.id)
      const state = this.#states.get(target.id)
      if (state === undefined) {
        this.#states.set(target.id, { target, inFlight: 0, ejection: null, ejectedUntil: 0, isLeaving: false })
      } else {
        state.target = target
        state.isLeaving = false
      }
    }
    const released: Target[] = []
    for (const [id, state] of this.#states) {
      if (present.has(id)) continue
      state.isLeaving = true
      if (state.inFlight === 0) {
        this.#states.delete(id)
        released.push(state.target)
      }
    }
    if (released.length > 0) this.#events.onReleased(released)
  }

  /**
   * Chooses a target and counts the request on it, in one synchronous step: nothing can be drained between the two.
   * @param excluded targets not to choose, by id
   * @returns null if every target is excluded
   */
  claim(targets: readonly Target[], excluded: ReadonlySet<string>): Claim | null {
    const states: TargetState[] = []
    for (const target of targets) {
      const state = this.#states.get(target.id)
      if (state !== undefined && !excluded.has(target.id)) states.push(state)
    }
    const state = states.length === 1 ? states[0] : states[chooseTarget(states, this.#turn++, Date.now())]
    return state === undefined ? null : new CountedClaim(state, this.#onReleased, this.#events)
  }

  /** When the first of these targets may be tried again, in milliseconds since the epoch; null if none is ejected. */
  firstReturn(targets: readonly Target[]): number | null {
    let first: number | null = null
    const now = Date.now()
    for (const { id } of targets) {
      const until = this.#states.get(id)?.ejectedUntil ?? 0
      if (until > now && (first === null || until < first)) first = until
    }
    return first
  }

  readonly #onReleased = (state: TargetState): void => {
    this.#states.delete(state.target.id)
    this.#events.onReleased([state.target])
  }
}

class CountedClaim implements Claim {
  readonly #state: TargetState
  readonly #onReleased: (state: TargetState) => void
  readonly #events: TargetsEvents
  #isReleased = false

  constructor(state: TargetState, onReleased: (state: TargetState) => void, events: TargetsEvents) {
    this.#state = state
    this.#onReleased = onReleased
    this.#events = events
    state.inFlight++
  }

  get target(): Target {
    return this.#state.target
  }

  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    const state = this.#state
    state.inFlight--
    if (state.isLeaving && state.inFlight === 0) this.#onReleased(state)
  }

  succeed(): void {
    this.#state.ejection = null
    this.#state.ejectedUntil = 0
  }

  fail(reason: string): void {
    const state = this.#state
    const last = state.ejection
    state.ejection = eject(last, Date.now())
    state.ejectedUntil = state.ejection.until
    if (state.ejection !== last && !state.isLeaving) this.#events.onEjected(state.target, reason)
  }
}
