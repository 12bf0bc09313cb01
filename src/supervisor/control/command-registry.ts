import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { CserviceError, toCserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { isAllowed, type KeyRights } from './access.ts'
import type { Caller, Command } from './command.ts'
import { parseCommandLine, toWord, type Word } from './command-line.ts'
import { nearest } from './nearest.ts'

/** A command found and allowed, with its words; `CommandRegistry.execute` runs it. */
export interface Call {
  readonly command: Command
  readonly words: readonly Word[]
  readonly caller: Caller
}

/** How long a command may take to answer after the service has begun to stop. */
const stopGraceMs = 5_000

/**
 * The named commands of a service: console, command line, REST and library all come here. Calls that change something run
 * one at a time, in the order in which they came; those that only read run at once. Every call is answered.
 */
export class CommandRegistry {
  readonly #commands = new Map<string, Command>()
  readonly #stopped = new AbortController()
  readonly #log: Log
  /** Settles when the last call that is to run by itself has been answered. */
  #tail: Promise<unknown> = Promise.resolve()

  constructor(log: Log) {
    this.#log = log
    setMaxListeners(0, this.#stopped.signal) // one listener a running command
  }

  /** @throws Error when the name is taken: two parts of the service claim it */
  register(command: Command): void {
    if (this.#commands.has(command.name)) throw new Error(`The command "${command.name}" is registered twice`)
    this.#commands.set(command.name, command)
  }

  /** Puts a command in the place of the one of that name, or at the end. */
  override(command: Command): void {
    this.#commands.set(command.name, command)
  }

  get(name: string): Command | undefined {
    return this.#commands.get(name)
  }

  /** In the order of registration. */
  list(): Command[] {
    return [...this.#commands.values()]
  }

  /** The name that a mistyped one most likely means. */
  nearest(name: string): string | null {
    return nearest(
      name,
      this.list()
        .filter((command) => command.isVisible)
        .map((command) => command.name),
    )
  }

  /**
   * @param line a command line, or its words already taken apart
   * @throws CserviceError BAD_USAGE, UNKNOWN_COMMAND, NOT_AUTHORISED, and whatever the command throws
   */
  async run(line: string | readonly string[], caller: Caller, rights?: KeyRights): Promise<unknown> {
    return await this.execute(this.resolve(line, caller, rights))
  }

  /** @throws CserviceError BAD_USAGE, UNKNOWN_COMMAND, NOT_AUTHORISED */
  resolve(line: string | readonly string[], caller: Caller, rights?: KeyRights): Call {
    const [name, ...words] = typeof line === 'string' ? parseCommandLine(line) : line.map(toWord)
    if (name === undefined) throw new CserviceError('UNKNOWN_COMMAND', 'No command was given')
    const command = this.#commands.get(name.text)
    if (command === undefined) throw this.#unknown(name.text)
    const level = rights?.levelOf(command.name, command.level) ?? command.level
    if (!isAllowed(caller.level, level)) {
      throw new CserviceError('NOT_AUTHORISED', `Not authorized to execute '${command.name}' remotely`, {
        hint: 'Run it on the machine of the gateway, or with a key that has the right.',
      })
    }
    return { command, words, caller }
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
    this.#stopped.abort()
  }

  async #answer({ command, words, caller }: Call): Promise<unknown> {
    const finished = new AbortController()
    const context = {
      caller,
      signal: this.#stopped.signal,
      log: this.#log,
      words: words.map((word) => word.text),
      report: (progress: string) => this.#log.debug({ command: command.name }, progress),
    }
    try {
      const running = Promise.resolve().then(() =>
        command.run(
          words.map((word) => word.value),
          context,
        ),
      )
      return (await Promise.race([running, this.#cutOff(finished.signal)])) ?? null
    } catch (error) {
      if (error instanceof CserviceError) throw error
      this.#log.error({ err: error, command: command.name }, 'a command failed')
      throw withoutStack(error)
    } finally {
      finished.abort()
    }
  }

  /** Rejects when the service stops and the command takes no notice. */
  async #cutOff(finished: AbortSignal): Promise<never> {
    const stopped = this.#stopped.signal
    if (!stopped.aborted) {
      await new Promise<void>((resolve) => {
        stopped.addEventListener('abort', () => resolve(), { once: true, signal: finished })
        finished.addEventListener('abort', () => resolve(), { once: true })
      })
    }
    await delay(stopGraceMs, undefined, { signal: finished }).catch(() => {})
    throw new CserviceError('CANCELLED', 'The service stopped before the command had finished')
  }

  #unknown(name: string): CserviceError {
    const meant = this.nearest(name)
    const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name
    return new CserviceError(
      'UNKNOWN_COMMAND',
      `No such command: ${shown}`,
      meant === null ? {} : { hint: `Did you mean "${meant}"? cservice help lists the commands.` },
    )
  }
}

/** Whatever was thrown, as INTERNAL; some programs throw the text of a stack trace, which is for the log only. */
function withoutStack(thrown: unknown): CserviceError {
  const { message } = toCserviceError(thrown)
  return new CserviceError('INTERNAL', message.replace(/\n\s+at .*/g, '') || undefined, { cause: thrown })
}
