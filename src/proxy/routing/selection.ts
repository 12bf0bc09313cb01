/** Why a request goes to a version; the second half of `x-served-version`. */
export type SelectedBy = 'header' | 'query' | 'cookie' | 'host' | 'path' | 'sticky' | 'rollout' | 'live'

/**
 * What of a request may decide on its version. Every lane fills it without objects of `node:http`; what nobody asks for is
 * not read.
 */
export interface SelectableRequest {
  /** The values of every version header that the request has, in order. */
  readonly versionHeaders: readonly string[]
  readonly method: string
  /** Path and query as they were sent. */
  readonly target: string
  /** The authority that the client named, with its port if it named one. */
  readonly host: string
  /** The client's address: what a trusted proxy says it is, else the peer's. */
  readonly address: string
  /** The values of every header of that name, in order. @param name lower case */
  header(name: string): readonly string[]
}

/** A header field that the worker gets otherwise than it came; null: not at all. The name is in lower case. */
export type ReplacedHeader = readonly [lowerName: string, value: string | null]

/** Immutable. */
export interface Selection {
  readonly version: string
  readonly by: SelectedBy
  /** What the worker gets as path and query, where it is not what the client sent; else null. */
  readonly target: string | null
  /** What was cut off the path, and is the worker's `X-Forwarded-Prefix`; null: nothing. */
  readonly prefix: string | null
  readonly replaced: readonly ReplacedHeader[]
  /** The version that the client is pinned to, where that cannot be had any more; else null. */
  readonly lost: string | null
  /** Values of `Set-Cookie` that go into the answer. */
  readonly cookies: readonly string[]
}

/** Not a version: the status that the request is answered with is that of the code. */
export interface NoSelection {
  readonly error: 'UNKNOWN_VERSION' | 'NO_LIVE_VERSION'
}

const none: readonly never[] = []

/** A selection that changes nothing of the request, nor of its answer. */
export function selectionOf(version: string, by: SelectedBy): Selection {
  return { version, by, target: null, prefix: null, replaced: none, lost: null, cookies: none }
}
