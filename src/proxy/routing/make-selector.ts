import type { RouteTable } from './route-table.ts'
import type { SelectionSettings } from './selection-settings.ts'
import { byHeader } from './selectors/by-header.ts'
import { live } from './selectors/live.ts'
import { VersionSelector } from './version-selector.ts'

/** The selector for these settings and this table. Here alone it is said who selects, and in which order. */
export function makeSelector(_settings: SelectionSettings, table: RouteTable): VersionSelector {
  return new VersionSelector({
    names: table.names,
    stated: [byHeader],
    pins: null,
    share: null,
    live: live(table.live),
  })
}
