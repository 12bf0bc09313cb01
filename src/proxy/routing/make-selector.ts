import type { RouteTable } from './route-table.ts'
import type { SelectionSettings, SkewSettings } from './selection-settings.ts'
import { byHeader } from './selectors/by-header.ts'
import { live } from './selectors/live.ts'
import { byDeploymentHeader, byDeploymentQuery } from './skew/deployment-id.ts'
import { PagePins } from './skew/page-pins.ts'
import { PinSeal } from './skew/pin.ts'
import { VersionSelector } from './version-selector.ts'

/** The selector for these settings and this table. Here alone it is said who selects, and in which order. */
export function makeSelector({ skew }: SelectionSettings, table: RouteTable): VersionSelector {
  const { names } = table
  const deploymentIds = skew === null ? [] : [byDeploymentHeader(names), byDeploymentQuery(names)]
  return new VersionSelector({
    names,
    stated: [byHeader, ...deploymentIds],
    pins: skew === null ? null : pagePins(skew, table),
    share: null,
    live: live(table.live),
  })
}

/** One for the same settings: it remembers which cookies were found genuine. */
const seals = new WeakMap<SkewSettings, PinSeal>()

function pagePins(settings: SkewSettings, { names, lapsed }: RouteTable): PagePins {
  const seal = seals.get(settings) ?? new PinSeal(Buffer.from(settings.key, 'base64'))
  seals.set(settings, seal)
  return new PagePins({ ...settings, seal, names, lapsed, now: Date.now })
}
