import type { PreviewSettings, SelectionSettings } from '../routing/selection-settings.ts'
import type { StartRate } from '../start-allowance.ts'
import type { ReleaseSettings } from './release-schema.ts'

/** proxy.json, checked, with defaults filled in and paths absolute. Times are in seconds, as in the file. Immutable. */
export interface ProxyConfig {
  /** Absolute path of the file. */
  readonly file: string
  /** Absolute path of the folder that holds the versions. */
  readonly versionPath: string
  readonly defaultVersion: string | null
  /** Lower case. */
  readonly versionHeader: string
  /** How else requests name versions. */
  readonly selection: Omit<SelectionSettings, 'skew' | 'access'>
  readonly access: AccessConfig
  readonly servedVersionHeader: boolean
  /** Relative to a version's folder. */
  readonly workerFilename: string
  readonly workerCount: number
  readonly bindings: readonly BindingConfig[]
  /** Both ends included. */
  readonly versionPorts: { readonly min: number; readonly max: number }
  readonly nonDefaultWorkerCount: number
  /** 0: never idle out. */
  readonly nonDefaultWorkerIdleTime: number
  /** Versions that run at once, the live one included. */
  readonly maxRunningVersions: number
  /** How long the former live version keeps all its workers. */
  readonly keepWarm: number
  readonly retain: RetainConfig
  /** Booted Node processes in reserve; 0: none. */
  readonly warmSpares: number
  /** MiB that each of them may take. */
  readonly warmSpareMemory: number
  /** How long a worker may take to become ready. */
  readonly startTimeout: number
  /** How long a request waits for a version that is starting. */
  readonly gateTimeout: number
  /** How many requests may wait in one proxy process. */
  readonly gateLimit: number
  /** How long a worker may stay silent before its answer; 0: for ever. */
  readonly answerTimeout: number
  /** How long a worker may take to accept a connection. */
  readonly connectTimeout: number
  /** How long a client may take for a request head. */
  readonly headTimeout: number
  /** How long a client may send nothing of a body; 0: for ever. */
  readonly bodyTimeout: number
  /** How long a client may take nothing of an answer; 0: for ever. */
  readonly sendTimeout: number
  /** How long a client's connection may be idle between two requests. */
  readonly keepAliveTimeout: number
  /** How long an upgraded connection may be silent; 0: for ever. */
  readonly upgradeIdleTimeout: number
  /** Connections of clients in one proxy process; 0: any number. */
  readonly maxConnections: number
  /** Requests in flight for one version in one proxy process; 0: any number. */
  readonly maxRequestsInFlight: number
  /** Bytes. */
  readonly maxHeaderSize: number
  /** Bytes; 0: any number. */
  readonly maxBodySize: number
  /** How long requests in flight may go on when their worker or the gateway is to stop. */
  readonly drainTimeout: number
  /** How long a worker may take to stop once it has nothing in flight, before SIGTERM, and again before SIGKILL. */
  readonly stopTimeout: number
  /** null: no binding answers for the gateway. */
  readonly health: HealthConfig | null
  /** null: no skew protection. */
  readonly skew: SkewConfig | null
  /** Addresses and ranges; names are replaced by their ranges. */
  readonly trustProxy: readonly string[]
  /** Absolute path, or null. */
  readonly accessLog: string | null
  /** null: none is going on. */
  readonly rollout: RolloutConfig | null
  /** `address`, `cookie:<name>` or `header:<name>`. */
  readonly rolloutKey: string
  /** null: nobody gets copies of requests. */
  readonly mirror: MirrorConfig | null
  readonly release: ReleaseSettings
  /** The file's content as parsed, unknown keys included: for `proxy info`. */
  readonly raw: Readonly<Record<string, unknown>>
}

/** Who may reach a version that is not live by naming it. */
export interface AccessConfig {
  /** Patterns of versions that a request may start; null: all. */
  readonly allow: readonly string[] | null
  /** null: requests may start any number of them. */
  readonly rate: StartRate | null
  readonly previews: readonly PreviewSettings[]
}

/** How load balancers learn whether the gateway is ready. */
export interface HealthConfig {
  readonly path: string
  /** How long a gateway that is to stop says that it is not ready, before it stops accepting. */
  readonly drainDelay: number
}

export interface SkewConfig {
  /** Name of the cookie with a client's pin. */
  readonly cookie: string
  /** For how long a page goes on talking to its version. */
  readonly maxAge: number
  /** How many versions that were live are kept for their pages. */
  readonly versions: number
}

export interface BindingConfig {
  readonly port: number
  /** null: all addresses, IPv6 and IPv4. */
  readonly host: string | null
  /** Proxy processes. */
  readonly workerCount: number
  /** File names made absolute; null: plain HTTP. */
  readonly tlsOptions: Readonly<Record<string, unknown>> | null
  readonly redirect: number | string | null
  /** By ALPN with TLS; without, to clients that know it beforehand. */
  readonly http2: boolean
  /** Whether connections begin with a PROXY protocol header. */
  readonly proxyProtocol: boolean
}

/** Times in seconds, but for `since`. */
export interface RolloutConfig {
  /** The candidate. */
  readonly version: string
  /** Percentages, each more than the one before; at least one. */
  readonly steps: readonly number[]
  /** How long a step lasts at least; null: no further step is taken by itself. */
  readonly every: number | null
  /** As it is written; null: none. */
  readonly guard: string | null
  /** null: in proportion to the share. */
  readonly workers: number | null
  /** Index of the step in force. */
  readonly step: number
  readonly state: 'running' | 'paused'
  /** When the step began, or was paused or resumed: milliseconds since the epoch; null: now. */
  readonly since: number | null
  /** What had passed of the step before that. */
  readonly elapsed: number
}

export interface MirrorConfig {
  readonly version: string
  /** From 0 to 1. */
  readonly share: number
}

/** Which versions stay on disk; with neither a count nor days, all of them. */
export interface RetainConfig {
  /** Beside those that are in use. */
  readonly count: number | null
  readonly days: number | null
  /** Names, in which `*` stands for any characters. */
  readonly keep: readonly string[]
}
