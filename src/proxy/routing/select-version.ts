import type { NoSelection, SelectableRequest, SelectedBy, Selection } from './selection.ts'

/** The name that a selector read from the request, which may be no valid one; null: this selector does not apply. */
type Selector = (request: SelectableRequest, live: string | null) => string | null

/** In the order in which they are asked; the first that applies decides. */
const selectors: ReadonlyArray<readonly [SelectedBy, Selector]> = [
  ['header', byHeader],
  ['live', byLive],
]
const noCookies: readonly string[] = []

/**
 * The version that a request is meant for. Whether the catalog has it is not asked here.
 * @param live the live version, or null
 */
export function selectVersion(request: SelectableRequest, live: string | null): Selection | NoSelection {
  for (const [by, select] of selectors) {
    const version = select(request, live)
    if (version === null) continue
    return isVersionName(version) ? { version, by, target: null, cookies: noCookies } : { error: 'UNKNOWN_VERSION' }
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
