import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Log } from '../../common/log.ts'

const size = 32

/** What pins are signed with: the same in all proxy processes, and after a restart, so that pages stay with their versions. */
export class PinKey {
  readonly #file: string
  readonly #log: Log
  #value: string | null = null

  /** @param configFile the key is kept in `.cservice/pin.key` beside it, for its owner alone */
  constructor(configFile: string, log: Log) {
    this.#file = join(dirname(configFile), '.cservice', 'pin.key')
    this.#log = log
  }

  /** In Base64. Made when it is asked for first. */
  get value(): string {
    this.#value ??= this.#read() ?? this.#make()
    return this.#value
  }

  #read(): string | null {
    try {
      const text = readFileSync(this.#file, 'utf8').trim()
      return Buffer.from(text, 'base64').length === size ? text : null
    } catch {
      return null
    }
  }

  #make(): string {
    const value = randomBytes(size).toString('base64')
    try {
      mkdirSync(dirname(this.#file), { recursive: true })
      writeFileSync(this.#file, `${value}\n`, { mode: 0o600 })
    } catch (error) {
      this.#log.warn({ err: error, file: this.#file }, 'the key of pins cannot be kept: a restart ends all pins')
    }
    return value
  }
}
