import { Access } from './access/access.ts'
import type { RouteTable } from './route-table.ts'
import type { SelectionSettings, SkewSettings } from './selection-settings.ts'
import type { Selector } from './selector.ts'
import { byCookie } from './selectors/by-cookie.ts'
import { byHeader } from './selectors/by-header.ts'
import { byHost } from './selectors/by-host.ts'
import { byPath } from './selectors/by-path.ts'
import { byQuery } from './selectors/by-query.ts'
import { live } from './selectors/live.ts'
import { rollout } from './selectors/rollout.ts'
import { byDeploymentHeader, byDeploymentQuery } from './skew/deployment-id.ts'
import { PagePins } from './skew/page-pins.ts'
import { PinSeal } from './skew/pin.ts'
import { VersionSelector } from './version-selector.ts'

/** The selector for these settings and this table. Here alone it is said who selects, and in which order. */
export function makeSelector(settings: SelectionSettings, table: RouteTable): VersionSelector {
  const { names } = table
  return new VersionSelector({
    names,
    access: settings.access === null ? null : new Access(settings.access, table),
    aliases: new Map(settings.aliases),
    stated: statedBy(settings),
    pins: settings.skew === null ? null : pagePins(settings.skew, table),
    share: table.rollout && rollout(table.rollout),
    live: live(table.live),
  })
}

function statedBy({ skew, query, cookie, host, path }: SelectionSettings): Selector[] {
  const selectors: Selector[] = [byHeader]
  if (skew !== null) selectors.push(byDeploymentHeader)
  if (query !== null) selectors.push(byQuery(query))
  if (skew !== null) selectors.push(byDeploymentQuery)
  if (cookie !== null) selectors.push(byCookie(cookie))
  if (host !== null) selectors.push(byHost(host))
  if (path !== null) selectors.push(byPath(path))
  return selectors
}

/** One for the same settings: it remembers which cookies were found genuine. */
const seals = new WeakMap<SkewSettings, PinSeal>()

function pagePins(settings: SkewSettings, { names, lapsed }: RouteTable): PagePins {
  const seal = seals.get(settings) ?? new PinSeal(Buffer.from(settings.key, 'base64'))
  seals.set(settings, seal)
  return new PagePins({ ...settings, seal, names, lapsed, now: Date.now })
}
