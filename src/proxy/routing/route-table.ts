import type { ErrorCode } from '../../common/errors.ts'
import { VersionNames } from './version-names.ts'

/** host:port of one worker, as a proxy process sees it. `id` names the worker for as long as it lives, and never another. */
export interface Target {
  readonly id: string
  readonly host: string
  readonly port: number
}

/**
 * What a proxy process knows of one version of the catalog.
 * - `cold`: not running; the first request asks for it.
 * - `starting`: wait for it at the gate.
 * - `ready`: `targets` has at least one.
 * - `failed`: answer `code` until `retryAt` (milliseconds since the epoch); the first request after that asks again.
 */
export interface Route {
  readonly state: 'cold' | 'starting' | 'ready' | 'failed'
  /** Number of starts so far: tells the failure of the start that a request waits for from that of an earlier one. */
  readonly attempt: number
  readonly targets: readonly Target[]
  readonly retryAt?: number
  readonly code?: ErrorCode
}

/** What of a rollout proxy processes need to know. */
export interface RolloutRoute {
  /** The candidate. */
  readonly version: string
  /** Of the clients that name no version, from 0 to 1. */
  readonly share: number
  /** What tells one client from another: `address`, `cookie:<name>` or `header:<name>`. */
  readonly key: string
}

/** That a version gets copies of requests. */
export interface MirrorRoute {
  readonly version: string
  /** Of the requests that name no version, from 0 to 1. */
  readonly share: number
}

/** A route table as it crosses the channel. Pairs, not an object: a version may be called `__proto__`. */
export interface RouteTableData {
  readonly epoch: number
  readonly live: string | null
  /** Versions that were live and are not kept for their pages any more. */
  readonly lapsed?: readonly string[]
  readonly versions: ReadonlyArray<readonly [name: string, route: Route]>
  /** Left out: there is none. */
  readonly rollout?: RolloutRoute | null
  readonly mirror?: MirrorRoute | null
  /** Whether the gateway is about to stop; left out: it is not. */
  readonly isLeaving?: boolean
}

/**
 * The immutable map version → targets, numbered by epoch. Holds every version of the catalog, running or not: a name that
 * is not in it does not exist. Looking a name up costs the same with one version and with a thousand.
 */
export class RouteTable {
  static readonly empty = new RouteTable({ epoch: 0, live: null, versions: [] })

  readonly epoch: number
  /** The live version, whether or not the catalog still has it. */
  readonly live: string | null
  /** Those of all versions in it. */
  readonly names: VersionNames
  readonly rollout: RolloutRoute | null
  readonly mirror: MirrorRoute | null
  /** Versions that were live and are not kept for their pages any more. */
  readonly lapsed: ReadonlySet<string>
  readonly #data: RouteTableData
  readonly #routes: ReadonlyMap<string, Route>

  /** @param former the table that this one follows: where no version has come or gone, the two share the names */
  constructor(data: RouteTableData, former: RouteTable | null = null) {
    this.#data = data
    this.epoch = data.epoch
    this.live = data.live
    this.rollout = data.rollout ?? null
    this.mirror = data.mirror ?? null
    this.lapsed = new Set(data.lapsed)
    this.#routes = new Map(data.versions)
    this.names = former?.names.equals(this.#routes) ? former.names : new VersionNames(this.#routes.keys())
  }

  /** Whether a request that names no version gets to a worker, and will for a while. */
  get isReady(): boolean {
    if (this.live === null || this.#data.isLeaving === true) return false
    return this.route(this.live)?.state === 'ready'
  }

  route(version: string): Route | undefined {
    return this.#routes.get(version)
  }

  /** Every target of every version. */
  *targets(): Generator<Target> {
    for (const route of this.#routes.values()) yield* route.targets
  }

  toData(): RouteTableData {
    return this.#data
  }
}
