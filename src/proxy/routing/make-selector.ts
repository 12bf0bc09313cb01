import type { RouteTable } from './route-table.ts'
import type { SelectionSettings } from './selection-settings.ts'
import type { Selector } from './selector.ts'
import { byCookie } from './selectors/by-cookie.ts'
import { byHeader } from './selectors/by-header.ts'
import { byHost } from './selectors/by-host.ts'
import { byPath } from './selectors/by-path.ts'
import { byQuery } from './selectors/by-query.ts'
import { live } from './selectors/live.ts'
import { VersionSelector } from './version-selector.ts'

/** The selector for these settings and this table. Here alone it is said who selects, and in which order. */
export function makeSelector(settings: SelectionSettings, table: RouteTable): VersionSelector {
  const { query, cookie, host, path } = settings
  const stated: Selector[] = [byHeader]
  if (query !== null) stated.push(byQuery(query))
  if (cookie !== null) stated.push(byCookie(cookie))
  if (host !== null) stated.push(byHost(host, table.names))
  if (path !== null) stated.push(byPath(path))
  return new VersionSelector({
    names: table.names,
    aliases: new Map(settings.aliases),
    stated,
    pins: null,
    share: null,
    live: live(table.live),
  })
}
