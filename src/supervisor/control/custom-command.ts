import { CserviceError, toCserviceError } from '../../common/errors.ts'
import { parseLevel } from './access.ts'
import type { Caller, Command, CommandContext } from './command.ts'

/** Answers a command: an error, or a result. Only the first call counts. */
export type CommandCallback = (error?: unknown, result?: unknown) => void

/** What a command of the user gets first (LEGACY 5), and what is new: how it was called, and a way to say how far it is. */
export interface CommandEvent {
  readonly name: string
  /** The library, as the program that registered the command has it. */
  readonly service: unknown
  readonly locals: unknown
  readonly cb: CommandCallback
  readonly caller: Caller
  /** Aborted when the service stops. */
  readonly signal: AbortSignal
  /** Tells whoever watches how far the command is. */
  report(progress: string): void
}

/** What may stand at the function of a command, or beside it in its file. */
export interface CommandStatics {
  /** Answers what `help <name>` shows, by callback or as a result. */
  readonly more?: (callback: CommandCallback) => unknown
  /** The access level; asked once, when the command is registered. */
  readonly control?: () => unknown
  /** `false`: `help` does not list it. */
  readonly visible?: boolean
  /** The name, if it is not that of the file. */
  readonly id?: string
}

// The arguments are whatever the caller writes; a program declares what it expects.
// biome-ignore lint/suspicious/noExplicitAny: a user's function with parameters of any types must be assignable
export type CommandFunction = ((event: CommandEvent, callback: CommandCallback, ...args: any[]) => unknown) &
  CommandStatics

/** What whoever registers a command hands in with it. */
export interface CommandSurroundings {
  readonly service: unknown
  readonly locals: unknown
}

const helpMs = 5_000
/** So long a callback is waited for when the promise of a function that takes one has come to nothing. */
const callbackMs = 5_000

/**
 * A command of the user, as one of ours. It may answer by its callback or by a promise: the first answer counts, and a later
 * one is logged. A promise of nothing (undefined) is no answer where the function declares the callback: that may still be
 * called, for 5 s; then the answer is null. Runs beside any other command, so that one that never answers holds nobody up.
 * @throws CserviceError BAD_USAGE for a name that cannot be typed, or a level that does not exist
 */
export function customCommand(
  name: string,
  run: CommandFunction,
  surroundings: CommandSurroundings,
  statics: CommandStatics = run,
): Command {
  if (typeof run !== 'function') throw new CserviceError('BAD_USAGE', `The command ${String(name)} is not a function`)
  if (!isCommandName(name)) {
    throw new CserviceError('BAD_USAGE', `${JSON.stringify(name)} cannot be the name of a command`, {
      hint: 'A name has no spaces or control characters, does not begin with a quotation mark or bracket, and is 128 characters long at most.',
    })
  }
  return {
    name,
    level: statics.control === undefined ? 'remote' : parseLevel(askLevel(name, statics.control)),
    hasDefaultLevel: statics.control === undefined,
    isVisible: statics.visible !== false,
    help: () => askHelp(name, statics.more),
    runsAtOnce: () => true,
    run: (args, context) => answer(name, run, surroundings, args, context),
  }
}

/** Whether it can be typed as the first word of a line, and shown. */
export function isCommandName(name: unknown): name is string {
  return typeof name === 'string' && /^[^\s\p{C}"{[][^\s\p{C}]{0,127}$/u.test(name)
}

function askLevel(name: string, control: () => unknown): unknown {
  if (typeof control !== 'function') {
    throw new CserviceError('BAD_USAGE', `control of the command ${name} is not a function`)
  }
  try {
    return control()
  } catch (error) {
    throw new CserviceError('BAD_USAGE', `control() of the command ${name} failed: ${describe(error)}`, {
      cause: error,
    })
  }
}

/** What `more` answers; null if it has nothing to say in time. */
async function askHelp(name: string, more: CommandStatics['more']): Promise<unknown> {
  if (typeof more !== 'function') return null
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new CserviceError('TIMED_OUT', `more() of ${name} did not answer`)), helpMs)
      const callback: CommandCallback = (error, result) => (error ? reject(failure(error)) : resolve(result ?? null))
      const returned = more(callback)
      if (isThenable(returned)) {
        returned.then(
          (result) => {
            if (result !== undefined || more.length === 0) resolve(result)
          },
          (error: unknown) => reject(failure(error)),
        )
      } else if (returned !== undefined) resolve(returned)
    })
  } catch (error) {
    throw failure(error)
  } finally {
    clearTimeout(timer)
  }
}

function answer(
  name: string,
  run: CommandFunction,
  { service, locals }: CommandSurroundings,
  args: readonly unknown[],
  { caller, signal, log, report }: CommandContext,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let isAnswered = false
    let timer: NodeJS.Timeout | undefined
    const settle = (hasFailed: boolean, value: unknown) => {
      if (isAnswered) {
        log.warn({ command: name, ...(hasFailed ? { error: describe(value) } : {}) }, 'a command answered once more')
        return
      }
      isAnswered = true
      clearTimeout(timer)
      if (!hasFailed) return resolve(value)
      const error = failure(value)
      log.warn({ err: error.cause ?? error, command: name }, 'a command failed')
      reject(error)
    }
    const cb: CommandCallback = (error, result) => settle(Boolean(error), error ? error : result)
    try {
      const returned = run({ name, service, locals, cb, caller, signal, report }, cb, ...args)
      if (isThenable(returned)) {
        returned.then(
          (result) => {
            // An async function that answers by its callback, now or later, ends with a promise of nothing: no answer.
            if (result !== undefined || (!isAnswered && run.length < 2)) settle(false, result)
            else if (!isAnswered) timer = setTimeout(() => settle(false, null), callbackMs)
          },
          (error: unknown) => settle(true, error),
        )
      }
    } catch (error) {
      settle(true, error)
    }
  })
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  try {
    return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
  } catch {
    return false
  }
}

/** Whatever a command gave as its error, as one of the catalogue. The message is the text that it gave. */
function failure(given: unknown): CserviceError {
  if (given instanceof CserviceError) return given
  return new CserviceError('COMMAND_FAILED', describe(given) || undefined, { cause: given })
}

/** Linear also for a text of nothing but line ends. */
const stackLines = /\n[^\S\n]+at .*/g

/** The text of an error, without the stack that some programs put there: that is for the log only. */
function describe(given: unknown): string {
  try {
    return textOf(given).replace(stackLines, '')
  } catch {
    return '' // a getter of it throws
  }
}

function textOf(given: unknown): string {
  if (typeof given === 'string') return given
  if (typeof given !== 'object' || given === null) return given === undefined ? '' : toCserviceError(given).message
  if ('message' in given && typeof given.message === 'string') return given.message
  return JSON.stringify(given) ?? ''
}
