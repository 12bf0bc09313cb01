import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { CserviceError, toCserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { KeyRights } from './access.ts'
import type { Caller, Command } from './command.ts'
import { CommandEvents } from './command-events.ts'
import { parseCommandLine, toWord, type Word } from './command-line.ts'
import { CommandTable } from './command-table.ts'
import { describeSafely } from './describe-safely.ts'

/** A command found and allowed, with its words; `CommandRegistry.execute` runs it. */
export interface Call {
  readonly command: Command
  readonly words: readonly Word[]
  readonly caller: Caller
  /** Stands in the events of this call. */
  readonly id: string
  readonly onProgress?: (text: string) => void
  readonly body?: AsyncIterable<Uint8Array>
}

export interface CallOptions {
  /** What the caller's access key may do. */
  readonly rights?: KeyRights | undefined
  /** Of the call, by which its events are told from others; a random one by default. */
  readonly id?: string | undefined
  /** Is told how far the command is. */
  readonly onProgress?: ((text: string) => void) | undefined
  /** Bytes that come with it. */
  readonly body?: AsyncIterable<Uint8Array> | undefined
}

/** How long a command may take to answer after the service has begun to stop. */
const stopGraceMs = 5_000
/** Of a command line in an event. */
const shownWords = 32
const shownLength = 200

/**
 * The named commands of a service: console, command line, REST and library all come here. Calls that change something run
 * one at a time, in the order in which they came; those that only read run at once. Every call is answered.
 */
export class CommandRegistry extends CommandTable {
  /** What happens to the calls, and whatever else the service has to tell. */
  readonly events = new CommandEvents()
  readonly #stopped = new AbortController()
  /** What ends the wait for each call under way, for when the service has stopped and the command takes no notice. */
  readonly #cutOffs = new Set<() => void>()
  #grace: NodeJS.Timeout | undefined
  readonly #log: Log
  /** Settles when the last call that is to run by itself has been answered. */
  #tail: Promise<unknown> = Promise.resolve()

  constructor(log: Log) {
    super(log)
    this.#log = log
    setMaxListeners(0, this.#stopped.signal) // commands of the user may listen, many of them at once
  }

  /**
   * @param line a command line, or its words already taken apart
   * @throws CserviceError BAD_USAGE, UNKNOWN_COMMAND, NOT_AUTHORISED, and whatever the command throws
   */
  async run(line: string | readonly string[], caller: Caller, options?: CallOptions): Promise<unknown> {
    return await this.execute(this.resolve(line, caller, options))
  }

  /**
   * Runs a command with arguments that are values already, of whatever type: what a program triggers.
   * @throws CserviceError as `run`
   */
  async call(name: string, args: readonly unknown[], caller: Caller, options?: CallOptions): Promise<unknown> {
    const words = args.map((value) => ({ text: toText(value), value }))
    return await this.execute(this.#find(name, words, caller, options))
  }

  /** @throws CserviceError BAD_USAGE, UNKNOWN_COMMAND, NOT_AUTHORISED */
  resolve(line: string | readonly string[], caller: Caller, options?: CallOptions): Call {
    const [name, ...words] = typeof line === 'string' ? parseCommandLine(line) : line.map(toWord)
    if (name === undefined) throw new CserviceError('UNKNOWN_COMMAND', 'No command was given')
    return this.#find(name.text, words, caller, options)
  }

  /** @throws CserviceError whatever the command throws; SHUTTING_DOWN, CANCELLED */
  async execute(call: Call): Promise<unknown> {
    if (this.#stopped.signal.aborted) throw new CserviceError('SHUTTING_DOWN')
    this.#log.debug({ command: call.command.name, caller: call.caller.name }, 'command')
    if (call.command.runsAtOnce?.(call.words.map((word) => word.text)) ?? false) return await this.#answer(call)
    const answer = this.#tail.then(() => {
      if (this.#stopped.signal.aborted)
        throw new CserviceError('CANCELLED', 'The service stopped before the command began')
      return this.#answer(call)
    })
    this.#tail = answer.catch(() => {})
    return await answer
  }

  /** Tells running commands to come to an end, and takes no new ones. */
  stop(): void {
    if (this.#stopped.signal.aborted) return
    this.#stopped.abort()
    if (this.#cutOffs.size === 0) return
    this.#grace = setTimeout(() => {
      for (const cutOff of [...this.#cutOffs]) cutOff()
    }, stopGraceMs)
  }

  #find(name: string, words: readonly Word[], caller: Caller, options: CallOptions = {}): Call {
    const { rights, id = randomUUID(), onProgress, body } = options
    const command = this.get(name)
    if (command === undefined) throw this.unknown(name)
    if (!this.mayRun(name, caller, rights)) {
      throw new CserviceError('NOT_AUTHORISED', `Not authorized to execute '${name}' remotely`, {
        hint: 'Run it on the machine of the gateway, or with a key that has the right.',
      })
    }
    return { command, words, caller, id, ...(onProgress ? { onProgress } : {}), ...(body ? { body } : {}) }
  }

  async #answer(call: Call): Promise<unknown> {
    const { command, words, caller, id } = call
    const shown = { id, command: command.name, words: words.slice(0, shownWords).map(show), caller: caller.name }
    const begin = performance.now()
    const durationMs = () => Math.round(performance.now() - begin)
    let isFinished = false
    let cutOff = () => {}
    const isCutOff = new Promise<never>((_, reject) => {
      cutOff = () => reject(new CserviceError('CANCELLED', 'The service stopped before the command had finished'))
    })
    this.#cutOffs.add(cutOff)
    const context = {
      caller,
      signal: this.#stopped.signal,
      log: this.#log,
      words: words.map((word) => word.text),
      ...(call.body ? { body: call.body } : {}),
      report: (progress: string) => {
        const text = String(progress)
        this.#log.debug({ command: command.name }, text)
        if (!isFinished) this.events.record({ ...shown, type: 'progress', text })
        call.onProgress?.(text)
      },
    }
    this.events.record({ ...shown, type: 'started' })
    try {
      const running = Promise.resolve().then(() =>
        command.run(
          words.map((word) => word.value),
          context,
        ),
      )
      const result = (await Promise.race([running, isCutOff])) ?? null
      this.events.record({ ...shown, type: 'finished', durationMs: durationMs() })
      return result
    } catch (thrown) {
      const error = this.#toKnown(thrown, command)
      const { code, message } = error
      this.events.record({ ...shown, type: 'failed', error: { code, message }, durationMs: durationMs() })
      throw error
    } finally {
      isFinished = true
      this.#cutOffs.delete(cutOff)
      if (this.#cutOffs.size === 0) clearTimeout(this.#grace)
    }
  }

  #toKnown(thrown: unknown, command: Command): CserviceError {
    if (thrown instanceof CserviceError) return thrown
    this.#log.error({ err: thrown, command: command.name }, 'a command failed')
    return withoutStack(thrown)
  }
}

/** Whatever was thrown, as INTERNAL; some programs throw the text of a stack trace, which is for the log only. */
function withoutStack(thrown: unknown): CserviceError {
  const { message } = toCserviceError(thrown)
  return new CserviceError('INTERNAL', message.replace(/\n[^\S\n]+at .*/g, '') || undefined, { cause: thrown })
}

/** A word as an event has it: without the secrets of an object, and not endless. */
function show({ text, value }: Word): string {
  const safe = typeof value === 'object' && value !== null ? JSON.stringify(describeSafely(value)) : text
  return safe.length > shownLength ? `${safe.slice(0, shownLength)}…` : safe
}

/** A value as it would have been typed. */
function toText(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'object' && value !== null ? JSON.stringify(describeSafely(value)) : String(value)
}
