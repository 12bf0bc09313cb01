/** Why a request goes to a version; the second half of `x-served-version`. */
export type SelectedBy = 'header' | 'cookie' | 'query' | 'host' | 'sticky' | 'rollout' | 'live'

/** What of a request decides on its version. Both lanes can fill it without objects of `node:http`. */
export interface SelectableRequest {
  /** The values of every version header that the request has, in order. */
  readonly versionHeaders: readonly string[]
}

export interface Selection {
  readonly version: string
  readonly by: SelectedBy
}

/** Not a version: the status that the request is answered with is that of the code. */
export interface NoSelection {
  readonly error: 'UNKNOWN_VERSION' | 'NO_LIVE_VERSION'
}

/** The name that a selector read from the request, which may be no valid one; null: this selector does not apply. */
type Selector = (request: SelectableRequest, live: string | null) => string | null

/** In the order in which they are asked; the first that applies decides. */
const selectors: ReadonlyArray<readonly [SelectedBy, Selector]> = [
  ['header', byHeader],
  ['live', byLive],
]

/**
 * The version that a request is meant for. Whether the catalog has it is not asked here.
 * @param live the live version, or null
 */
export function selectVersion(request: SelectableRequest, live: string | null): Selection | NoSelection {
  for (const [by, select] of selectors) {
    const version = select(request, live)
    if (version !== null) return isVersionName(version) ? { version, by } : { error: 'UNKNOWN_VERSION' }
  }
  return { error: 'NO_LIVE_VERSION' }
}

/** One path segment of `[A-Za-z0-9._-]`, not starting with a dot, of 128 characters at most (CONTRACT). */
export function isVersionName(name: string): boolean {
  return name.length <= 128 && /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(name)
}

function byHeader({ versionHeaders }: SelectableRequest): string | null {
  const [value, second] = versionHeaders
  // Two headers may name two versions, and a proxy in front may have looked at the other one: neither is believed.
  if (second !== undefined) return ''
  return value === undefined || value === '' ? null : value
}

function byLive(_request: SelectableRequest, live: string | null): string | null {
  return live
}
