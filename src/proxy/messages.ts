import type { ErrorCode } from '../common/errors.ts'
import type { Command } from '../supervisor/launch.ts'
import type { RouteTableData } from './routing/route-table.ts'
import type { SelectionSettings } from './routing/selection-settings.ts'

/**
 * What the control plane and a proxy process say to each other: the `body` of a channel `message`
 * (common/channel-protocol.ts). No message per request: counters travel in batches.
 */

/** To a proxy process. `configure` comes first, then `routes`; both come again whenever they change. */
export type ToProxyProcess =
  | { readonly type: 'configure'; readonly settings: DataplaneSettings }
  | { readonly type: 'routes'; readonly table: RouteTableData }
  /** Start this with your listening socket as its descriptor 3: whoever asks has come after the supervisor that had opened it. */
  | { readonly type: 'start'; readonly request: number; readonly command: Command }

/** From a proxy process. */
export type FromProxyProcess =
  /** From now on no request is routed by an older table. */
  | { readonly type: 'ack'; readonly epoch: number }
  /** A request waits for a version that does not run. Sent once per version and attempt, not once per request. */
  | { readonly type: 'demand'; readonly version: string }
  /** Targets that left the table and now have nothing in flight here: nothing will reach them from this process again. */
  | { readonly type: 'released'; readonly targets: readonly string[] }
  /** A target refused or reset connections and was ejected here: the supervisor may know by now that it is dead. */
  | { readonly type: 'ejected'; readonly target: string; readonly reason: string }
  /** The answer to `start`. */
  | { readonly type: 'started'; readonly request: number; readonly pid: number }
  | { readonly type: 'not-started'; readonly request: number; readonly reason: string }
  | { readonly type: 'counters'; readonly versions: readonly VersionCounters[] }
  /** Sent at most twice a second. */
  | { readonly type: 'mirrored'; readonly counts: MirrorCounters }
  /** What was refused since the last batch, by code; sent at most twice a second. */
  | { readonly type: 'refused'; readonly counts: ReadonlyArray<readonly [code: ErrorCode, count: number]> }

/** Of one version in one proxy process. Sent at most twice a second, and only for versions in which something changed. */
export interface VersionCounters {
  readonly version: string
  /** Requests finished since the last batch, upgraded connections among them. */
  readonly requests: number
  /** In flight at this moment, streams and upgraded connections among them, those that wait at the gate as well. */
  readonly inFlight: number
  /** Arrival of the last request, in milliseconds since the epoch. */
  readonly lastAccess: number
  /** Answers since the last batch by class: 1xx … 5xx, index 0 … 4. */
  readonly statuses: readonly [number, number, number, number, number]
  /** Since the last batch, while a rollout compares the version with another one. */
  readonly answers?: AnswerTally
}

/** The answers to the requests that a rollout compares: those that name no version. */
export interface AnswerTally {
  /** 5xx of a worker, and what the gateway answered in its place: 502, 503 and 504. */
  readonly errors: number
  /** From the arrival of the request's head to that of the answer's: how many were in each bucket (routing/time-buckets.ts). */
  readonly times: ReadonlyArray<readonly [bucket: number, count: number]>
}

/** Copies of requests in one proxy process, since the last batch. */
export interface MirrorCounters {
  /** Answered by the version, with whatever status. */
  readonly answered: number
  /** Sent, and not answered in time, or not at all. */
  readonly failed: number
  /** Not sent: too many were under way, or the version did not run. */
  readonly dropped: number
}

/** Everything a proxy process needs to know besides the routes. All times in milliseconds. */
export interface DataplaneSettings {
  readonly binding: BindingSettings
  /** Lower case. */
  readonly versionHeader: string
  readonly selection: SelectionSettings
  /** Whether answers carry `x-served-version`. */
  readonly servedVersionHeader: boolean
  /** How long a request waits for a version that is starting. */
  readonly gateTimeout: number
  /** How many requests may wait in one proxy process at once. */
  readonly gateLimit: number
  /** After how long a browser that navigates gets the waiting page instead of waiting on. */
  readonly waitingPageAfter: number
  /** How long a target may stay silent before its answer's head; 0 = for ever. */
  readonly answerTimeout: number
  /** How long a worker may take to accept a connection. */
  readonly connectTimeout: number
  /** How long a client may take for a request head. */
  readonly headTimeout: number
  /** How long a client may send nothing of a body that is not complete; 0 = for ever. */
  readonly bodyTimeout: number
  /** How long a client may take nothing of what is to be sent to it; 0 = for ever. */
  readonly sendTimeout: number
  /** How long a client's connection may stay idle between two requests. */
  readonly keepAliveTimeout: number
  /** How long an upgraded connection may be silent both ways; 0 = for ever. */
  readonly upgradeIdleTimeout: number
  /** How many connections this process holds; 0 = any number. */
  readonly maxConnections: number
  /** How many requests for one version are in flight here at once, those at the gate included; 0 = any number. */
  readonly maxRequestsInFlight: number
  /** Bytes of a request head. */
  readonly maxHeaderSize: number
  /** Bytes of a request body; 0 = any number. */
  readonly maxBodySize: number
  /** How long requests in flight may go on when this process is told to stop. */
  readonly drainTimeout: number
  /** Addresses and CIDR ranges of peers whose forwarding headers are believed. */
  readonly trustProxy: readonly string[]
  /** File that access-log lines are appended to; null: no access log. */
  readonly accessLog: string | null
  /** Path at which it says whether the gateway is ready; null: a path like any other. */
  readonly healthPath: string | null
}

/** A binding as a proxy process needs it; it listens on descriptor 3, which it inherited. */
export interface BindingSettings {
  readonly port: number
  /** null: plain HTTP. */
  readonly tls: TlsSettings | null
  /** Answer 308 to this port or origin instead of proxying; null: proxy. */
  readonly redirect: number | string | null
  /** Whether each connection begins with a PROXY protocol header. */
  readonly proxyProtocol: boolean
  /** Whether it speaks HTTP/2 as well: by ALPN where it has TLS, else to clients that begin with its preface. */
  readonly http2: boolean
}

/** What the TLS server of a binding is made of: contents, not names of files. Holds private keys; never logged. */
export interface TlsSettings {
  /** One for each set of names; the first is for clients that name no server, or one that none of them is for. */
  readonly identities: readonly TlsIdentity[]
  /** Authorities that client certificates are checked against, in PEM. */
  readonly ca: readonly string[]
  /** Opens every `pfx`; null: none is needed. Private keys in PEM are not encrypted any more. */
  readonly passphrase: string | null
  /** What else proxy.json says of `tls.createServer`. */
  readonly options: Readonly<Record<string, unknown>>
  /** The keys of session tickets, the same in all processes of the binding: 48 bytes in Base64. */
  readonly ticketKeys: string
}

/** Certificates for the same names, of different kinds (RSA, ECDSA), with their keys. */
export interface TlsIdentity {
  /** DNS names in lower case, wildcards (`*.example.com`) among them. */
  readonly names: readonly string[]
  /** PEM. */
  readonly key: readonly string[]
  /** PEM, each with its chain. */
  readonly cert: readonly string[]
  /** PKCS #12 with key and certificates, in Base64. */
  readonly pfx: readonly string[]
}
