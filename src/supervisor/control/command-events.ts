import { randomBytes } from 'node:crypto'
import type { ErrorCode } from '../../common/errors.ts'
import { describeSafely } from './describe-safely.ts'

/** What happens to one call of a command. A call that only waits for its turn has not started. */
export interface CommandEvent {
  /** Of the call: what its client chose, or a random one. */
  readonly id: string
  readonly type: 'started' | 'progress' | 'finished' | 'failed'
  readonly command: string
  /** The words after the name, long ones cut. */
  readonly words: readonly string[]
  /** Name of whoever called: never a key. */
  readonly caller: string
  /** ISO 8601. */
  readonly at: string
  /** How far it is; of `progress`. */
  readonly text?: string
  /** Of `failed`. */
  readonly error?: { readonly code: ErrorCode; readonly message: string }
  /** Of `finished` and `failed`. */
  readonly durationMs?: number
}

/** Something else that happened in the service: a worker started, a version went live. */
export interface ServiceEvent {
  readonly type: string
  readonly at: string
  readonly data: unknown
}

/** An event in its place in the row of all. */
export interface EventEntry {
  /** Unique over restarts of the service, so that a client can say which one it saw last. */
  readonly id: string
  /** Whoever may run this command may see the event. */
  readonly visibleTo: string
  readonly event: CommandEvent | ServiceEvent
}

type Listener = (entry: EventEntry) => void

const keptEvents = 256
const textLimit = 4_096
const dataLimit = 65_536

/** What happens in a service, as it happens, and the last 256 events of it. */
export class CommandEvents {
  /** In front of the numbers, which begin anew with each service. */
  readonly #instance = randomBytes(4).toString('hex')
  readonly #kept: EventEntry[] = []
  readonly #listeners = new Set<Listener>()
  #last = 0

  /** Calls `listener` with each event from now on; what comes back ends that. */
  watch(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Tells the watchers of something that is no command.
   * @param type of small letters, digits, dots and dashes: `worker-started`
   * @param data whatever describes it; made JSON-safe, with secrets masked
   * @param visibleTo a command: whoever may run that may see this
   */
  publish(type: string, data: unknown, visibleTo = 'workers'): void {
    if (!/^[a-z][a-z0-9.-]{0,63}$/.test(type)) throw new Error(`"${type}" is no type of an event`)
    const described = describeSafely(data)
    const isTooLarge = (JSON.stringify(described)?.length ?? 0) > dataLimit
    this.#add({ type, at: new Date().toISOString(), data: isTooLarge ? { isTooLarge } : described }, visibleTo)
  }

  /** Tells the watchers of a command. */
  record(event: Omit<CommandEvent, 'at'>): void {
    const { text, error } = event
    this.#add(
      {
        ...event,
        at: new Date().toISOString(),
        ...(text === undefined ? {} : { text: cut(text) }),
        ...(error === undefined ? {} : { error: { code: error.code, message: cut(error.message) } }),
      },
      event.command,
    )
  }

  /** What came after the event with this id: all that is kept, if it is of another service or too long ago. */
  since(id: string): readonly EventEntry[] {
    const index = this.#kept.findIndex((entry) => entry.id === id)
    return this.#kept.slice(index + 1)
  }

  #add(event: CommandEvent | ServiceEvent, visibleTo: string): void {
    const entry = { id: `${this.#instance}-${++this.#last}`, visibleTo, event }
    this.#kept.push(entry)
    if (this.#kept.length > keptEvents) this.#kept.shift()
    for (const listener of [...this.#listeners]) listener(entry)
  }
}

function cut(text: string): string {
  return text.length > textLimit ? `${text.slice(0, textLimit)}…` : text
}
