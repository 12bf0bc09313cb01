import { isRunning } from '../common/is-running.ts'
import type { Log } from '../common/log.ts'
import type { ChannelServer } from './channel-server.ts'
import { FoundProcess } from './found-process.ts'
import type { InventoryContent, InventoryEntry } from './inventory.ts'

/** What a supervisor finds of an earlier one that did not stop by itself. Owns those processes until they are taken over. */
export class Inheritance {
  /** What the earlier one wanted its successor to know. */
  readonly notes: Readonly<Record<string, unknown>>
  readonly #found = new Map<string, FoundProcess>()
  readonly #log: Log
  readonly #onChange: () => void
  #isLeft = false
  #ending: Promise<void> | null = null

  /** @param onChange one of the processes is found no more */
  constructor({ processes, notes }: InventoryContent, channel: ChannelServer, log: Log, onChange: () => void) {
    this.notes = notes
    this.#log = log
    this.#onChange = onChange
    for (const entry of processes) if (isRunning(entry)) this.#found.set(entry.id, new FoundProcess(entry, channel))
  }

  /** Those that nobody has taken over yet. */
  get processes(): readonly FoundProcess[] {
    return [...this.#found.values()]
  }

  get entries(): readonly InventoryEntry[] {
    return this.processes.map(({ entry }) => entry)
  }

  /** Somebody owns it from now on. */
  take(found: FoundProcess): void {
    this.#found.delete(found.entry.id)
    this.#onChange()
  }

  /** Nobody else is going to take anything over: what is left is ended. Resolves when it is gone. */
  endRest(): Promise<void> {
    if (!this.#isLeft) this.#ending ??= this.#end()
    return this.#ending ?? Promise.resolve()
  }

  /** This supervisor gives up before it has begun: what is left goes on for as long as it does without a supervisor. */
  leave(): void {
    this.#isLeft = true
  }

  async #end(): Promise<void> {
    const ending = this.processes.map(async (found) => {
      const { pid, file } = found.entry
      this.#log.info({ pid, file }, 'a process of the last service is not wanted any more; it is stopped')
      await found.end()
      this.take(found)
    })
    await Promise.all(ending)
  }

  kill(): void {
    for (const found of this.processes) found.kill()
  }
}
