import { isDeepStrictEqual } from 'node:util'
import { type CserviceError, toCserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { loadConfig } from './load-config.ts'
import type { ProxyConfig } from './proxy-config.ts'
import { watchConfig } from './watch-config.ts'

/** What is done with an edited configuration. */
export interface ConfigChange {
  /** Does all that can fail. @throws CserviceError to refuse the edit; everything is then as before */
  prepare(next: ProxyConfig, former: ProxyConfig): Promise<void>
  /** The new one is in force; follows it where that takes time, or may fail without making the rest void. */
  settle(next: ProxyConfig, former: ProxyConfig): Promise<void>
}

/** The configuration in force. Owns it, and follows the file: a good edit is put in force, a bad one refused and kept in mind. */
export class ConfigFollower {
  #inForce: ProxyConfig
  #lastError: CserviceError | null = null
  #watcher: { close(): Promise<void> } | null = null
  #isClosed = false
  readonly #log: Log

  constructor(config: ProxyConfig, log: Log) {
    this.#inForce = config
    this.#log = log
  }

  get inForce(): ProxyConfig {
    return this.#inForce
  }

  /** Why the last edit was refused; null when what is in the file is in force. */
  get lastError(): CserviceError | null {
    return this.#lastError
  }

  /**
   * Begins to follow the file.
   * @param exclusively runs an action when no other change of the gateway is under way
   */
  async watch(change: ConfigChange, exclusively: (action: () => Promise<void>) => Promise<void>): Promise<void> {
    const follow = (): void => {
      exclusively(() => this.#follow(change)).catch((error: unknown) => this.#refuse(toCserviceError(error)))
    }
    this.#watcher = await watchConfig(this.#inForce.file, follow)
    follow() // an edit between the first reading and the watch
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#watcher?.close()
  }

  /** Reads the file only when its turn has come: a promote that it had to wait for has rewritten it. */
  async #follow(change: ConfigChange): Promise<void> {
    if (this.#isClosed) return
    const former = this.#inForce
    const { config, warnings } = await loadConfig(former.file)
    this.#lastError = null
    if (isDeepStrictEqual(config, former)) return
    for (const warning of warnings) this.#log.warn(warning.message)
    await change.prepare(config, former)
    this.#inForce = config
    await change.settle(config, former)
  }

  #refuse(error: CserviceError): void {
    this.#lastError = error
    this.#log.error(
      { code: error.code },
      `the change of the configuration is refused, what was in force stays: ${error.message}`,
    )
  }
}
