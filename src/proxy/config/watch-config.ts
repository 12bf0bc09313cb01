import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { CserviceError, toCserviceError } from '../../common/errors.ts'
import { type LoadedConfig, parseConfig, readProxyConfig } from './load-config.ts'
import { watchFolder } from './watch-folder.ts'

/** What an edit of proxy.json has led to: the new configuration, or why it cannot be used. */
export type ConfigChange = LoadedConfig | CserviceError

export interface ConfigWatch {
  /**
   * Somebody has read the file by himself, and acts on that: changes are told against this from now on. Without it, what
   * was read in a moment in which nothing was told, and put back before the next look, would never be told to be over.
   */
  note(content: string | CserviceError): void
  close(): Promise<void>
}

/** How long the file must be left alone: editors write, rename and touch in several steps. */
const settleTime = 100
/** How long the file may be missing before that is told: some editors delete it first. */
const absenceTime = 500

/**
 * Calls `onChange` with what proxy.json says now, each time that its content has changed: edited in place, replaced by
 * rename, deleted (CONFIG_NOT_FOUND), created again. What is broken comes as an error. To miss nothing, call this first
 * and `loadConfig` after it.
 */
export async function watchConfig(file: string, onChange: (change: ConfigChange) => void): Promise<ConfigWatch> {
  const follower = new ConfigFollower(resolve(file), onChange)
  await follower.open()
  return follower
}

class ConfigFollower implements ConfigWatch {
  readonly #file: string
  readonly #onChange: (change: ConfigChange) => void
  #folder: { close(): Promise<void> } | undefined
  #known = ''
  #timer: NodeJS.Timeout | undefined
  /** Counts the looks, so that one that was overtaken while it read says nothing. */
  #turn = 0
  #isClosed = false

  constructor(file: string, onChange: (change: ConfigChange) => void) {
    this.#file = file
    this.#onChange = onChange
  }

  async open(): Promise<void> {
    this.#known = contentKey(await read(this.#file))
    this.#folder = await watchFolder(dirname(this.#file), {
      isOfInterest: (path) => path === this.#file,
      fingerprint: () => fingerprintOf(this.#file),
      onChange: () => this.#settle(settleTime),
    })
    // What happened between reading it and watching it.
    this.#settle(settleTime)
  }

  note(content: string | CserviceError): void {
    this.#known = contentKey(content)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#folder?.close()
  }

  #settle(time: number, isSecondLook = false): void {
    if (this.#isClosed) return
    clearTimeout(this.#timer)
    const turn = ++this.#turn
    this.#timer = setTimeout(() => void this.#look(turn, isSecondLook), time)
    this.#timer.unref()
  }

  async #look(turn: number, isSecondLook: boolean): Promise<void> {
    const content = await read(this.#file)
    if (this.#isClosed || turn !== this.#turn || contentKey(content) === this.#known) return
    if (content instanceof CserviceError && content.code === 'CONFIG_NOT_FOUND' && !isSecondLook) {
      this.#settle(absenceTime, true)
      return
    }
    this.#known = contentKey(content)
    this.#onChange(content instanceof CserviceError ? content : parse(content, this.#file))
  }
}

async function read(file: string): Promise<string | CserviceError> {
  return readProxyConfig(file).catch(toCserviceError)
}

function parse(text: string, file: string): ConfigChange {
  try {
    return parseConfig(text, file)
  } catch (error) {
    return toCserviceError(error)
  }
}

/** Tells one content from another, and a failure from every content. */
function contentKey(content: string | CserviceError): string {
  return content instanceof CserviceError ? `error ${content.message}` : `text ${content}`
}

async function fingerprintOf(file: string): Promise<string> {
  const stats = await stat(file).catch(() => undefined)
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}`
}
