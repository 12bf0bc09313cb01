/**
 * What crosses the channel between the supervisor and the processes that carry our code: the agent inside a Node worker,
 * and a proxy process. One JSON value a line (`\n`), UTF-8, both ways, over a Unix socket to which the process connects,
 * and connects again when it breaks (docs/adr/0002).
 */

/** From a process to the supervisor. `hello` is the first on every connection, so that a new supervisor knows who it is. */
export type FromProcess =
  | {
      readonly type: 'hello'
      readonly id: string
      readonly pid: number
      readonly state: 'starting' | 'ready' | 'stopping'
    }
  /**
   * It listens: on the port it was given, or (`expected: false`) on another one, which makes a good error message. Port 0:
   * `address` is the path of a socket.
   */
  | { readonly type: 'listening'; readonly port: number; readonly address: string; readonly expected: boolean }
  /** It does no longer listen there, and goes on. */
  | { readonly type: 'closed'; readonly port: number; readonly address: string }
  /** Its main file has run, and every server that it had begun to open listens. */
  | { readonly type: 'loaded' }
  /** It called `workerReady(false)`: only `ready` makes it ready now. */
  | { readonly type: 'wait' }
  | { readonly type: 'ready' }
  | { readonly type: 'metrics'; readonly metrics: ProcessMetrics }
  /** The answer to `ping`: its event loop turns. */
  | { readonly type: 'pong' }
  /**
   * For whoever owns the pool; the supervisor hands it on unread. `fact`: under this name it is said again to a new
   * supervisor.
   */
  | { readonly type: 'message'; readonly body: unknown; readonly fact?: string }
  /** What it would have written, had its own output a reader: a part of a line, or several. */
  | { readonly type: 'output'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  /** Of a warm spare: it waits for `become`. `rss` in bytes. */
  | { readonly type: 'spare'; readonly rss: number }
  /** Of a warm spare: it is the worker from here on; whatever follows comes from the worker. */
  | { readonly type: 'became' }

/** From the supervisor to a process. */
export type ToProcess =
  /** Finish what is under way, take nothing new, then exit. */
  | { readonly type: 'stop' }
  /** Asks for `pong`. */
  | { readonly type: 'ping' }
  /** Asks for `metrics` at once. */
  | { readonly type: 'report' }
  /** From a supervisor that did not start this process: the one that did is dead and has a successor. End, and end the wards. */
  | { readonly type: 'orphaned' }
  /** Processes that cannot watch the supervisor themselves: whoever gets this list ends them if the supervisor stays away. */
  | { readonly type: 'wards'; readonly pids: readonly Ward[] }
  | { readonly type: 'message'; readonly body: unknown }
  /** To a warm spare, once: be this worker now. */
  | ({ readonly type: 'become' } & Program)

/** What a warm spare is to run, as `node file …args` in `cwd` with `env` as its whole environment. Absolute paths. */
export interface Program {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/** A process to end when the supervisor does not come back; `startTime` guards against a pid that was given away again. */
export interface Ward {
  readonly pid: number
  readonly startTime: string | null
}

/** Bytes, and milliseconds for the event-loop delay (over the last interval). */
export interface ProcessMetrics {
  readonly rss: number
  readonly heapTotal: number
  readonly heapUsed: number
  readonly external: number
  readonly arrayBuffers: number
  readonly uptime: number
  readonly title: string
  /** Seconds and nanoseconds of its clock. */
  readonly hrtime: readonly [number, number]
  readonly eventLoopDelayMean: number
  readonly eventLoopDelayMax: number
  /** Requests and connections of all its servers since its start; absent where nobody counts them. */
  readonly net?: { readonly requests: number; readonly connections: number; readonly connectionsOpen: number }
}
