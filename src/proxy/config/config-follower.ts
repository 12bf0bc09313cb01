import { isDeepStrictEqual } from 'node:util'
import { CserviceError, toCserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { KeyFiles } from './key-files.ts'
import { filesNamedIn, parseConfig, readProxyConfig } from './load-config.ts'
import type { ProxyConfig } from './proxy-config.ts'
import { type ConfigWatch, watchConfig } from './watch-config.ts'

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
  #watcher: ConfigWatch | null = null
  #keyFiles: KeyFiles | null = null
  #isClosed = false
  readonly #log: Log

  constructor(config: ProxyConfig, log: Log) {
    this.#inForce = config
    this.#log = log
  }

  get inForce(): ProxyConfig {
    return this.#inForce
  }

  /** Why the last edit was refused, or what of it could not be done; null when all that is in the file is in force. */
  get lastError(): CserviceError | null {
    return this.#lastError
  }

  /**
   * Begins to follow the file, and those that it takes keys from.
   * @param exclusively runs an action when no other change of the gateway is under way
   */
  async watch(change: ConfigChange, exclusively: (action: () => Promise<void>) => Promise<void>): Promise<void> {
    const look = () => void exclusively(() => this.#follow(change))
    const watcher = await watchConfig(this.#inForce.file, look)
    if (this.#isClosed) return watcher.close()
    this.#watcher = watcher
    this.#keyFiles = new KeyFiles(look)
    look() // an edit between the first reading and the watch
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([this.#watcher?.close(), this.#keyFiles?.close()])
  }

  /**
   * Reads the file when its turn has come, not when it was seen to change: a promote that was under way has rewritten it
   * since, and what it said before must not be made live again.
   */
  async #follow(change: ConfigChange): Promise<void> {
    if (this.#isClosed) return
    const former = this.#inForce
    try {
      const content = await readProxyConfig(former.file).catch(toCserviceError)
      this.#watcher?.note(content)
      if (content instanceof CserviceError) throw content
      // Also where it is refused: what is wrong may be a file that comes later.
      await this.#keyFiles?.follow(filesNamedIn(content, former.file))
      const { config: next, warnings } = parseConfig(content, former.file)
      if (!isDeepStrictEqual(next, former)) for (const { message } of warnings) this.#log.warn(message)
      await change.prepare(next, former)
      this.#inForce = next
      this.#lastError = null
    } catch (error) {
      this.#refuse(toCserviceError(error))
      return
    }
    await change.settle(this.#inForce, former).catch((error: unknown) => {
      this.#lastError = toCserviceError(error)
      this.#log.error(
        { err: error },
        `the configuration is in force, but what it says of versions could not be done: ${this.#lastError.message}`,
      )
    })
  }

  #refuse(error: CserviceError): void {
    this.#lastError = error
    this.#log.error(
      { code: error.code },
      `the change of the configuration is refused, what was in force stays: ${error.message}`,
    )
  }
}
