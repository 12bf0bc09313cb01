import type { Log } from '../common/log.ts'
import type { ConfigChange } from './config/config-follower.ts'
import { isServedAlike } from './config/is-served-alike.ts'
import type { CurrentCatalog } from './current-catalog.ts'
import type { ProxyProcesses } from './proxy-processes.ts'
import { type SettleParts, settleConfig } from './settle-config.ts'
import type { SkewProtection } from './skew/skew-protection.ts'
import { Catalog } from './versions/catalog.ts'
import type { PortLeases } from './versions/port-leases.ts'
import type { VersionPools } from './versions/version-pools.ts'

/** The parts of the gateway that a configuration has to do with. */
export interface EditableParts extends SettleParts {
  readonly processes: ProxyProcesses
  readonly pools: VersionPools
  readonly leases: PortLeases
  readonly skew: SkewProtection
  readonly catalog: CurrentCatalog
  readonly log: Log
}

/** What is done with an edited configuration: how each part takes it over, and what comes back when one cannot. */
export function applyEdit(parts: EditableParts): ConfigChange {
  const { processes, pools, leases, skew, catalog, log } = parts
  return {
    prepare: async (next, former) => {
      if (isServedAlike(next, former)) return
      const isMoved = next.versionPath !== former.versionPath || next.workerFilename !== former.workerFilename
      const successor = isMoved ? await Catalog.open(next.versionPath, next.workerFilename) : null
      try {
        await processes.apply(next)
      } catch (error) {
        await successor?.close()
        throw error
      }
      pools.keepSpares(next)
      leases.setRange(next.versionPorts.min, next.versionPorts.max)
      if (successor) await catalog.replace(successor)
      log.info({ file: next.file }, 'the configuration was changed and is in force')
    },
    settle: (next, former) => {
      skew.update()
      return settleConfig(parts, next, former)
    },
  }
}
