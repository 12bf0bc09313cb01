import type { Pool } from '../../supervisor/pool.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import type { WorkerHandle } from '../../supervisor/worker.ts'
import type { ProxyConfig } from '../config/proxy-config.ts'
import type { RoutePublisher } from '../route-publisher.ts'
import type { PortLeases } from './port-leases.ts'
import type { PoolFactory } from './version.ts'
import { prepareVersionLaunch } from './version-launch.ts'

/** Makes the pools that versions run in, and takes their workers out of use without losing a request. */
export class VersionPools implements PoolFactory {
  readonly #supervisor: Supervisor
  readonly #publisher: RoutePublisher
  readonly #leases: PortLeases
  readonly #config: () => ProxyConfig
  /** Publishes what has changed now and returns the epoch. */
  readonly #publish: () => number

  constructor(parts: {
    supervisor: Supervisor
    publisher: RoutePublisher
    leases: PortLeases
    config: () => ProxyConfig
    publish: () => number
  }) {
    this.#supervisor = parts.supervisor
    this.#publisher = parts.publisher
    this.#leases = parts.leases
    this.#config = parts.config
    this.#publish = parts.publish
  }

  create(version: string): Pool {
    const { startTimeout, stopTimeout } = this.#config()
    return this.#supervisor.createPool({
      name: version,
      launch: () => prepareVersionLaunch(this.#config(), version, this.#leases),
      startTimeout: startTimeout * 1_000,
      stopTimeout: stopTimeout * 1_000,
      drain: (worker) => this.#drain(worker),
    })
  }

  remove(pool: Pool): Promise<void> {
    return this.#supervisor.removePool(pool)
  }

  /**
   * No proxy process routes to it any more, and none has a request in flight on it, or the drain timeout has passed. An
   * upgraded connection or a stream is a request in flight: it stays with its version until then.
   */
  async #drain(worker: WorkerHandle): Promise<void> {
    const deadline = this.#config().drainTimeout * 1_000
    await this.#publisher.acknowledged(this.#publish(), deadline)
    await this.#publisher.released(worker.id, deadline)
  }
}
