import { EventEmitter } from 'node:events'
import type { SkewConfig } from '../config/proxy-config.ts'
import type { SkewSettings } from '../routing/selection-settings.ts'
import { type FormerVersions, formerVersions, type LiveChange } from './kept-versions.ts'

/** Older changes than these are as if they had never been. */
const memory = 1_000
/** Longest wait of a timer, in milliseconds. */
const longestWait = 2 ** 31 - 1

export interface SkewParts {
  /** What was live, oldest first: from the journal. */
  liveChanges(): Promise<readonly LiveChange[]>
  /** null: no skew protection. */
  config(): SkewConfig | null
  /** The name of the live version. */
  live(): string | null
  /** What pins are signed with, in Base64. */
  key(): string
}

/**
 * Which of the versions that were live are kept for the pages that were loaded from them. Owns that memory. A `change` event
 * tells that a version has lapsed, or is kept again.
 */
export class SkewProtection extends EventEmitter<{ change: [] }> {
  readonly #parts: SkewParts
  #changes: LiveChange[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(parts: SkewParts) {
    super()
    this.#parts = parts
  }

  async open(): Promise<void> {
    const earlier = await this.#parts.liveChanges()
    this.#changes = [...earlier, ...this.#changes].slice(-memory)
    const live = this.#parts.live()
    // Made live while no gateway ran, or never told.
    if (live !== null && this.#changes.at(-1)?.version !== live) this.note(live)
    else this.#look()
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  /** Another version is live from now on. */
  note(version: string): void {
    this.#changes = [...this.#changes, { version, at: Date.now() }].slice(-memory)
    this.#look()
  }

  /** The configuration has changed. */
  update(): void {
    this.#look()
  }

  /** Kept for their pages, the one that was live last first. */
  get kept(): readonly string[] {
    return this.#former().kept
  }

  /** Not kept any more. */
  get lapsed(): readonly string[] {
    return this.#former().lapsed
  }

  /** What proxy processes need to know. @param isSecure whether clients come by HTTPS */
  settings(isSecure: boolean): SkewSettings | null {
    const config = this.#parts.config()
    if (config === null) return null
    return { cookie: config.cookie, maxAge: Math.ceil(config.maxAge), key: this.#parts.key(), isSecure }
  }

  #former(): FormerVersions {
    const config = this.#parts.config()
    if (config === null) return { kept: [], lapsed: [], changesAt: null }
    const rule = { count: config.versions, maxAge: config.maxAge * 1_000 }
    return formerVersions(this.#changes, this.#parts.live(), rule, Date.now())
  }

  #look(): void {
    clearTimeout(this.#timer)
    const { changesAt } = this.#former()
    if (changesAt !== null) {
      const wait = Math.min(Math.max(0, changesAt - Date.now()), longestWait)
      this.#timer = setTimeout(() => this.#look(), wait).unref()
    }
    this.emit('change')
  }
}
