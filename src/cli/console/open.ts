import type { Console, ConsoleOptions } from './console.ts'
import { History, historyPath } from './history.ts'
import { PipedConsole } from './piped-console.ts'
import { attachedRole, ownRole } from './role.ts'
import { TerminalConsole } from './terminal-console.ts'

/** What a console needs, with the streams of this process and the history of this user filled in. */
export interface OpenOptions extends Partial<Omit<ConsoleOptions, 'runLine' | 'role'>> {
  readonly runLine: ConsoleOptions['runLine']
  /** `own`: of the service in this process; `attached`: to one in another. */
  readonly kind: 'own' | 'attached'
}

/**
 * Opens the console of a service. On a terminal a prompt with history and completion; otherwise each line of the input is
 * a command, its answer goes to the output, and there is no prompt.
 */
export function openConsole({ kind, ...given }: OpenOptions): Console {
  const { input = process.stdin, output = process.stdout } = given
  const isTerminal = input.isTTY === true && output.isTTY === true && process.env.TERM !== 'dumb'
  const options: ConsoleOptions = {
    role: kind === 'own' ? ownRole : attachedRole,
    errors: process.stderr,
    shared: null,
    isJson: false,
    ...given,
    history: given.history ?? new History(isTerminal ? historyPath() : null),
    input,
    output,
  }
  if (isTerminal) return new TerminalConsole(options)
  return kind === 'own' && input.isTTY ? noConsole : new PipedConsole(options)
}

/**
 * For a service whose answers nobody would see on its terminal (`cservice server.js > log &`): reading from it in the
 * background would stop the whole service.
 */
const noConsole: Console = { ended: Promise.resolve({ reason: 'left', exitCode: 0 }), close: () => {} }
