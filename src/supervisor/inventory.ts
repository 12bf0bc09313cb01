import { readFileSync, rmSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Log } from '../common/log.ts'
import type { StartReason } from './worker-options.ts'
import type { WorkerState } from './worker-state.ts'

/** One process, as a supervisor that comes after this one needs to know it. Times in milliseconds since the epoch. */
export interface InventoryEntry {
  readonly id: string
  readonly pid: number
  readonly startTime: string
  /** What its pool says of itself (`PoolSpec.tag`); null: nobody is to take it over. */
  readonly tag: unknown
  readonly kind: 'agent' | 'own' | 'program'
  readonly port: number | null
  readonly host: string
  readonly state: Exclude<WorkerState, 'exited'>
  readonly reason: StartReason
  readonly startedAt: number
  readonly readyAt: number | null
  readonly file: string
  readonly cwd: string
}

export interface InventoryContent {
  readonly processes: readonly InventoryEntry[]
  /** What others want to know again, by their names. */
  readonly notes: Readonly<Record<string, unknown>>
}

const fileName = 'processes.json'
const format = 1
const empty: InventoryContent = { processes: [], notes: {} }

/**
 * Reads what the last supervisor of this directory has left behind. Whatever cannot be understood is as if it were not
 * there: its processes are told to end, as those that nobody knows.
 */
export function readInventory(directory: string, log: Log): InventoryContent {
  let text: string
  try {
    text = readFileSync(join(directory, fileName), 'utf8')
  } catch {
    return empty // there was none, or it has stopped by itself
  }
  try {
    const content: unknown = JSON.parse(text)
    if (!isRecord(content) || content.format !== format || !Array.isArray(content.processes))
      throw new Error('its form')
    const processes = content.processes.filter(isEntry)
    const strange = content.processes.length - processes.length
    if (strange > 0)
      log.warn({ directory, strange }, `${fileName} has entries that are not understood; they are ignored`)
    return { processes, notes: isRecord(content.notes) ? content.notes : {} }
  } catch (error) {
    log.warn({ err: error, directory }, `${fileName} cannot be read; what the last service has left is told to end`)
    return empty
  }
}

/**
 * What this supervisor has, written down for the one that may have to take its place (docs/adr/0010). Owns the file
 * `processes.json`, which is replaced as a whole, so that it can be read at any moment.
 */
export class Inventory {
  readonly #file: string
  readonly #log: Log
  readonly #content: () => InventoryContent
  #isDue = false
  #isClosed = false
  #hasFailed = false
  #writing: Promise<void> | null = null

  /** @param content what is written, asked for when it is */
  constructor(directory: string, content: () => InventoryContent, log: Log) {
    this.#file = join(directory, fileName)
    this.#content = content
    this.#log = log
  }

  /** Something has changed: it is written soon, once for all changes of one turn, one writing after the other. */
  update(): void {
    if (this.#isClosed) return
    this.#isDue = true
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null
      if (this.#isDue) this.update()
    })
  }

  /** @param isOver whether nothing is left that another supervisor could take over */
  async close(isOver: boolean): Promise<void> {
    this.#isClosed = true
    await this.#writing
    if (isOver) rmSync(this.#file, { force: true })
  }

  async #write(): Promise<void> {
    while (this.#isDue) {
      await nextTurn()
      this.#isDue = false
      const draft = `${this.#file}.new`
      try {
        await writeFile(draft, JSON.stringify({ format, ...this.#content() }), { mode: 0o600 })
        await rename(draft, this.#file)
        this.#hasFailed = false
      } catch (error) {
        if (!this.#hasFailed) this.#log.warn({ err: error, file: this.#file }, 'a crash could not be survived just now')
        this.#hasFailed = true
      }
    }
  }
}

const kinds: readonly unknown[] = ['agent', 'own', 'program'] satisfies InventoryEntry['kind'][]
const states: readonly unknown[] = ['starting', 'ready', 'draining', 'stopping'] satisfies InventoryEntry['state'][]
const texts = ['id', 'startTime', 'host', 'reason', 'file', 'cwd'] as const

function isEntry(value: unknown): value is InventoryEntry {
  if (!isRecord(value) || !texts.every((key) => typeof value[key] === 'string')) return false
  const isNumberOrNull = (one: unknown) => one === null || Number.isFinite(one)
  return (
    Number.isSafeInteger(value.pid) &&
    Number(value.pid) > 1 && // -1 and 0 would be whole groups to a signal
    Number.isFinite(value.startedAt) &&
    isNumberOrNull(value.port) &&
    isNumberOrNull(value.readyAt) &&
    kinds.includes(value.kind) &&
    states.includes(value.state)
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
