import type { Log } from '../../common/log.ts'
import type { Version } from './version.ts'

/** How long it is not asked again for a version that does not run, in milliseconds. */
const delay = 5_000

export interface BringUpParts {
  /** The version of that name, with room to run. @throws CserviceError UNKNOWN_VERSION, VERSION_LIMIT */
  lookUp(name: string): Promise<Version>
  find(name: string): Version | undefined
  /** Whether the catalog has it. */
  has(name: string): boolean
  readonly log: Log
}

/** Starts a version again that does not run, and should, in the background. Owns when that was tried last. */
export class BringUp {
  readonly #parts: BringUpParts
  readonly #role: string
  /** By `performance.now()`. */
  #notBefore = 0
  #isClosed = false

  /** @param role what the version is, for the log: `candidate`, say */
  constructor(parts: BringUpParts, role: string) {
    this.#parts = parts
    this.#role = role
  }

  /** To be called now and then. @param workers that it is to have at least */
  look(name: string, workers: number): void {
    const now = performance.now()
    const { find, has, lookUp, log } = this.#parts
    if (this.#isClosed || now < this.#notBefore || !has(name) || find(name)?.mayStart(Date.now()) === false) return
    this.#notBefore = now + delay
    lookUp(name)
      .then((version) => version.scale(Math.max(version.size, workers), 'start'))
      .catch((error: unknown) => {
        if (!this.#isClosed) log.error({ err: error }, `the ${this.#role} ${name} did not start`)
      })
  }

  close(): void {
    this.#isClosed = true
  }
}
