import type { DataplaneSettings, FromProxyProcess } from '../messages.ts'
import { makeSelector } from '../routing/make-selector.ts'
import { type MirrorRoute, RouteTable, type RouteTableData, type Target } from '../routing/route-table.ts'
import type { NoSelection, SelectableRequest, SelectedBy, Selection } from '../routing/selection.ts'
import type { SelectionSettings } from '../routing/selection-settings.ts'
import type { VersionSelector } from '../routing/version-selector.ts'
import { Counters } from './counters.ts'
import { failure, Gate } from './gate.ts'
import { Refusal } from './refusal.ts'
import { type Claim, Targets } from './targets.ts'

/** How long a request waits for a new worker when none of a ready version's targets takes connections. */
const unreachableMs = 5_000
/**
 * How long a request whose only target has just broken off waits for another before it is sent there again: a worker that
 * is being killed still takes connections for a moment, and its successor is announced a moment later.
 */
const suspectMs = 100
/** How soon such a request looks again when no ejection tells it when. */
const recheckMs = 200
/** Most requests have met no target yet that they must not be sent to again. */
const none: ReadonlySet<string> = new Set()
/** When a request came whose answer is not measured, or has been. */
const unmeasured = -1

export interface DispatcherOptions {
  settings(): DataplaneSettings
  send(message: FromProxyProcess): void
  /** A target that nothing will be sent to any more: time to close its idle connections. */
  onReleased?(target: Target): void
}

/**
 * What both lanes ask: which version, which target, and how the counts stand. Knows nothing of sockets or `node:http`.
 * For a version that runs, everything up to the claim is synchronous.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #targets: Targets
  readonly #counters: Counters
  readonly #gate: Gate
  readonly #context: TicketContext
  #table = RouteTable.empty
  #selector: VersionSelector | null = null
  /** What the selector was made of, besides the table. */
  #selection: SelectionSettings | null = null

  constructor(options: DispatcherOptions) {
    this.#options = options
    const { send } = options
    this.#counters = new Counters((versions) => send({ type: 'counters', versions }))
    this.#gate = new Gate({
      limit: () => options.settings().gateLimit,
      demand: (version) => send({ type: 'demand', version }),
    })
    this.#targets = new Targets({
      onReleased: (targets) => {
        send({ type: 'released', targets: targets.map(({ id }) => id) })
        for (const target of targets) options.onReleased?.(target)
      },
      onEjected: (target, reason) => send({ type: 'ejected', target: target.id, reason }),
    })
    this.#context = {
      settings: options.settings,
      table: () => this.#table,
      targets: this.#targets,
      counters: this.#counters,
      gate: this.#gate,
    }
  }

  get epoch(): number {
    return this.#table.epoch
  }

  /** Whether the live version runs, and the gateway is not about to stop. */
  get isReady(): boolean {
    return this.#table.isReady
  }

  get waiting(): number {
    return this.#gate.size
  }

  /** Takes over a newer table, then acknowledges it: no request is routed by an older one from then on. */
  update(data: RouteTableData): void {
    if (data.epoch < this.#table.epoch) return
    const table = new RouteTable(data, this.#table)
    this.#table = table
    this.#selector = null
    this.#options.send({ type: 'ack', epoch: table.epoch })
    this.#targets.update(table)
    this.#gate.update(table)
  }

  /**
   * The version that a request is for.
   * @throws Refusal UNKNOWN_VERSION, NO_LIVE_VERSION
   */
  select(request: SelectableRequest): Selection {
    const selection = this.#select(request)
    if ('error' in selection) throw new Refusal(selection.error)
    if (this.#table.route(selection.version) === undefined) throw new Refusal('UNKNOWN_VERSION')
    return selection
  }

  /**
   * Counts a request as in flight for its version, until `leave`.
   * @param by why it goes to that version; a rollout compares those that did not ask for it
   * @throws Refusal VERSION_BUSY
   */
  enter(version: string, by: SelectedBy = 'header'): Ticket {
    if (this.#isFull(version)) throw new Refusal('VERSION_BUSY', { retryAfter: 1 })
    const isMeasured = this.#table.rollout !== null && this.#isCompared(version, by)
    return new Ticket(version, this.#context, isMeasured ? performance.now() : unmeasured)
  }

  /**
   * `select`, `enter` and `claim` in one step, where nothing has to be waited for and nothing is refused; else null, and
   * nothing is counted.
   */
  enterReady(request: SelectableRequest): ReadyEntry | null {
    const selection = this.#select(request)
    if ('error' in selection) return null
    const route = this.#table.route(selection.version)
    if (route?.state !== 'ready' || this.#isFull(selection.version)) return null
    const claim = this.#targets.claim(route.targets, none)
    return claim === null ? null : { selection, claim, ticket: this.enter(selection.version, selection.by) }
  }

  /** null: no copies are made. */
  get mirror(): MirrorRoute | null {
    return this.#table.mirror
  }

  /** A target of the version, counted on it, for what is no request of a client; null: it does not run. */
  claimAside(version: string): Claim | null {
    const route = this.#table.route(version)
    return route?.state === 'ready' ? this.#targets.claim(route.targets, none) : null
  }

  countAnew(): void {
    this.#counters.repeat()
  }

  /** Reports the counts that have not been reported yet. */
  flush(): void {
    this.#counters.flush()
  }

  #select(request: SelectableRequest): Selection | NoSelection {
    const { selection } = this.#options.settings()
    if (this.#selector === null || this.#selection !== selection) {
      this.#selector = makeSelector(selection, this.#table)
      this.#selection = selection
    }
    return this.#selector.select(request)
  }

  #isCompared(version: string, by: SelectedBy): boolean {
    const { live, rollout } = this.#table
    return (by === 'live' || by === 'rollout' || by === 'sticky') && (version === live || version === rollout?.version)
  }

  #isFull(version: string): boolean {
    const { maxRequestsInFlight } = this.#options.settings()
    return maxRequestsInFlight > 0 && this.#counters.inFlight(version) >= maxRequestsInFlight
  }
}

/** A request that has a target already. */
export interface ReadyEntry {
  readonly selection: Selection
  readonly claim: Claim
  readonly ticket: Ticket
}

interface TicketContext {
  settings(): DataplaneSettings
  table(): RouteTable
  readonly targets: Targets
  readonly counters: Counters
  readonly gate: Gate
}

/** One request on its way to a target of its version. */
export class Ticket {
  readonly version: string
  readonly #context: TicketContext
  /** Targets that refused this request a connection; nothing was sent to them. */
  #refused = none
  /** Targets that broke off after the request was sent: taken again only where there is no other. */
  #suspect = none
  #maySuspectsBeTried = false
  #waitsSince: number | null = null
  #unreachableSince: number | null = null
  #hasLeft = false
  /** When it came, by `performance.now()`, until its answer has been measured. */
  #measuredSince: number

  constructor(version: string, context: TicketContext, measuredSince: number) {
    this.version = version
    this.#context = context
    this.#measuredSince = measuredSince
    context.counters.enter(version)
  }

  /**
   * A target for the request, counted on it; null: there is none now, see `wait`.
   * @throws Refusal if there will be none
   */
  claim(): Claim | null {
    const { targets } = this.#context
    const route = this.#route()
    if (route.state === 'failed' && (route.retryAt ?? 0) > Date.now()) throw failure(route)
    if (route.state !== 'ready') return null
    const isFirstTry = this.#refused.size === 0 && this.#suspect.size === 0
    const excluded = isFirstTry ? none : new Set([...this.#refused, ...this.#suspect])
    const claim = targets.claim(route.targets, excluded)
    if (claim !== null || !this.#maySuspectsBeTried) return claim
    return targets.claim(route.targets, this.#refused)
  }

  /** The target took no connection: this request tries the others first. */
  refuse(claim: Claim, reason: string): void {
    this.#refused = new Set([...this.#refused, claim.target.id])
    claim.fail(reason)
    claim.release()
  }

  /** The target broke off after the request was sent. @param reason null if it is not to be held against the target */
  breakOff(claim: Claim, reason: string | null): void {
    this.#suspect = new Set([...this.#suspect, claim.target.id])
    if (reason !== null) claim.fail(reason)
    claim.release()
  }

  /**
   * Waits until it is worth trying `claim` again.
   * @param patience milliseconds at most, besides what the settings allow
   * @throws Refusal at the end of the time, or when the version failed
   */
  async wait(patience: number, signal: AbortSignal): Promise<void> {
    const { gate, settings } = this.#context
    const { gateTimeout } = settings()
    const route = this.#route()
    const now = Date.now()
    if (route.state !== 'ready') {
      this.#waitsSince ??= now
      const left = this.#waitsSince + Math.min(gateTimeout, patience) - now
      await gate.waitUntilReady(this.version, route, Math.max(0, left), signal)
    } else if (this.#suspect.size > 0 && !this.#maySuspectsBeTried) {
      this.#maySuspectsBeTried = true
      await gate.waitForChange(this.version, suspectMs, signal)
    } else {
      this.#unreachableSince ??= now
      const left = this.#unreachableSince + Math.min(gateTimeout, unreachableMs) - now
      if (left <= 0) throw new Refusal('TARGET_UNREACHABLE')
      const back = this.#context.targets.firstReturn(route.targets) ?? now + recheckMs
      await gate.waitForChange(this.version, Math.min(left, back - now), signal)
    }
    this.#refused = none
  }

  /** The head of a worker's answer has come. */
  answered(status: number): void {
    if (this.#measuredSince !== unmeasured) this.#measure(status >= 500)
  }

  /** The request has ended. @param status of the answer; 0 if the client got none */
  leave(status: number): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    // Without a worker's answer: the gateway has answered in its place, or the client has not waited any longer.
    if (this.#measuredSince !== unmeasured) this.#measure(status >= 502 && status <= 504)
    this.#context.counters.leave(this.version, status)
  }

  #measure(isError: boolean): void {
    this.#context.counters.observe(this.version, performance.now() - this.#measuredSince, isError)
    this.#measuredSince = unmeasured
  }

  #route() {
    const route = this.#context.table().route(this.version)
    if (route === undefined) throw new Refusal('UNKNOWN_VERSION')
    return route
  }
}
