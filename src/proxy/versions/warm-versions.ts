import type { Log } from '../../common/log.ts'
import type { ProxyConfig } from '../config/proxy-config.ts'
import type { Version } from './version.ts'

export interface Warm {
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

export interface WarmVersionParts {
  find(name: string): Version | undefined
  config(): ProxyConfig
  readonly log: Log
}

/**
 * The version that was live before the live one: for `keepWarm` seconds it keeps all its workers, so that a rollback needs no
 * more than new routes; after that it has as many as any version that is not live. Owns which one that is. There is one at
 * most: a release a minute must not fill the memory with former live versions.
 */
export class WarmVersions {
  readonly #parts: WarmVersionParts
  #warm: Warm | null = null

  constructor(parts: WarmVersionParts) {
    this.#parts = parts
  }

  /** The warm version, for as long as it has workers; null: there is none. */
  get name(): string | null {
    const name = this.#warm?.name ?? null
    return name !== null && (this.#parts.find(name)?.size ?? 0) > 0 ? name : null
  }

  /** What a gateway that comes after this one is to `restore`. */
  get memory(): Warm | null {
    return this.#warm
  }

  restore(warm: Warm | null): void {
    this.#warm = warm
  }

  /** Milliseconds for which it stays warm; 0: it is not. */
  timeLeft(name: string, now = Date.now()): number {
    if (this.#warm === null || name !== this.name) return 0
    return Math.max(0, this.#warm.since + this.#keepWarm - now)
  }

  /** This version is not live any more. */
  keep(name: string): void {
    const former = this.#warm
    this.#warm = { name, since: Date.now() }
    if (former !== null && former.name !== name) this.#cool(former.name)
    this.coolDown(Date.now())
  }

  /**
   * Somebody else decides on its workers from now on: who makes it live again, or the operator.
   * @returns how to put that back
   */
  release(name: string): () => void {
    const former = this.#warm
    if (former?.name !== name) return () => {}
    this.#warm = null
    return () => {
      this.#warm ??= former
    }
  }

  /** Takes the surplus workers away when the time is over. */
  coolDown(now: number): void {
    const warm = this.#warm
    if (warm === null || now - warm.since < this.#keepWarm) return
    this.#warm = null
    this.#cool(warm.name)
  }

  get #keepWarm(): number {
    return this.#parts.config().keepWarm * 1_000
  }

  /** In the background: nobody waits for the last requests of workers that are not needed any more. */
  #cool(name: string): void {
    const { find, config, log } = this.#parts
    const version = find(name)
    const count = config().nonDefaultWorkerCount
    if (!version || version.size <= count) return
    version.scale(count, 'scale').catch((error: unknown) => {
      log.warn({ err: error, version: name }, 'surplus workers were not stopped')
    })
  }
}
