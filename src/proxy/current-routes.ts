import type { CurrentCatalog } from './current-catalog.ts'
import type { LiveVersion } from './live-version.ts'
import type { Mirroring } from './mirroring.ts'
import type { Rollout } from './rollout/rollout.ts'
import type { RoutePublisher } from './route-publisher.ts'
import type { SkewProtection } from './skew/skew-protection.ts'
import type { Versions } from './versions/versions.ts'

/** Who has a say in the route table. */
export interface RouteSources {
  readonly catalog: CurrentCatalog
  readonly versions: Versions
  readonly live: LiveVersion
  readonly skew: SkewProtection
  readonly rollout: Rollout
  readonly mirroring: Mirroring
}

/** Makes the route table of what all parts say of versions, and publishes it. */
export class CurrentRoutes {
  readonly #publisher: RoutePublisher
  /** Asked for when there is something to publish: the parts know of the routes, and the routes of them. */
  readonly #sources: () => RouteSources
  #isDue = false

  constructor(publisher: RoutePublisher, sources: () => RouteSources) {
    this.#publisher = publisher
    this.#sources = sources
  }

  /** @returns the epoch of what is published now */
  publish(): number {
    const { catalog, versions, live, skew, rollout, mirroring } = this.#sources()
    const names = new Set<string>(catalog.inForce.names)
    // Whose folder has vanished goes on with what it has in memory, if it is the live one.
    if (live.name !== null && versions.find(live.name)?.isRunning) names.add(live.name)
    return this.#publisher.publish({
      live: live.name,
      lapsed: skew.lapsed,
      versions: versions.routes(names),
      rollout: rollout.route,
      mirror: mirroring.route,
    })
  }

  /** Once for all changes of one turn. */
  publishSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      this.publish()
    })
  }
}
