import { CserviceError } from '../../common/errors.ts'
import type { Pool } from '../../supervisor/pool.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import type { WorkerHandle } from '../../supervisor/worker.ts'
import type { WorkerExit } from '../../supervisor/worker-exit.ts'
import type { ProxyConfig } from '../config/proxy-config.ts'
import type { RoutePublisher } from '../route-publisher.ts'
import { versionTag } from '../tags.ts'
import type { PortLeases } from './port-leases.ts'
import type { PoolFactory } from './version.ts'
import { prepareVersionLaunch } from './version-launch.ts'

const mebibyte = 1024 * 1024

/** Makes the pools that versions run in, and takes their workers out of use without losing a request. */
export class VersionPools implements PoolFactory {
  readonly #supervisor: Supervisor
  readonly #publisher: RoutePublisher
  readonly #leases: PortLeases
  readonly #config: () => ProxyConfig
  /** Publishes what has changed now and returns the epoch. */
  readonly #publish: () => number
  #isClosed = false

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
    if (this.#isClosed) throw new CserviceError('SHUTTING_DOWN')
    const config = this.#config
    return this.#supervisor.createPool({
      name: version,
      tag: versionTag(version),
      launch: () => prepareVersionLaunch(this.#config(), version, this.#leases),
      get startTimeout() {
        return config().startTimeout * 1_000
      },
      get stopTimeout() {
        return config().stopTimeout * 1_000
      },
      drain: (worker) => this.#drain(worker),
      isBadLuck: foundPortTaken,
    })
  }

  /** Keeps the reserve that workers of all versions are made from as the configuration wants it. */
  keepSpares({ warmSpares, warmSpareMemory }: ProxyConfig): void {
    this.#supervisor.spares.configure({ count: warmSpares, memoryLimit: warmSpareMemory * mebibyte })
  }

  /** Makes no more pools: what has been stopped must not be started again by whoever was half way. */
  close(): void {
    this.#isClosed = true
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

/** Another program has taken the port between its lease and the worker's `listen`: a second gateway with the same range, say. */
export function foundPortTaken({ stderr }: WorkerExit): boolean {
  return stderr.some((line) => /EADDRINUSE|address already in use/i.test(line))
}
