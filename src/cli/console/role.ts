import { CserviceError } from '../../common/errors.ts'
import { shorten, wordsOf } from './show.ts'

/** What is different between the console of a service in its own process and one that is attached to a service. */
export interface Role {
  /** What it says when it opens. */
  readonly greeting: string
  /** What it says when it is closed with Ctrl-D; the service goes on. */
  readonly farewell: string
  /** What it says when Ctrl-C closes it; null: whoever is told of that says something. */
  readonly interrupted: string | null
  /** Whether this line closes the console and nothing else. */
  isLeave(line: string): boolean
  /** The line that is run instead. */
  translate(line: string): string
  /** The error as this console shows it. */
  explain(line: string, error: unknown): unknown
  /** What Ctrl-C says while a command runs. */
  goesOn(line: string): string
}

const leaveWords = ['exit', 'quit']

/** The service runs in this process, and ends with it. */
export const ownRole: Role = {
  greeting: "CLI is now available. Enter 'help [enter]' for instructions.",
  farewell: 'The console is closed; the service goes on. Ctrl-C stops it gracefully.',
  interrupted: null,
  isLeave: () => false,
  translate: (line) => (line.trim() === 'quit' ? 'exit' : line),
  explain: (line, error) =>
    leaveWords.includes(wordsOf(line)[0] ?? '') && error instanceof CserviceError && error.code === 'BAD_USAGE'
      ? new CserviceError(error.code, error.message, {
          cause: error,
          hint: "'shutdown all' stops the service, 'exit now' ends it at once, Ctrl-D closes the console.",
        })
      : error,
  goesOn: (line) => `"${shorten(line)}" goes on. Ctrl-C again stops the service; 'exit now' ends it at once.`,
}

export const attachedRole: Role = {
  greeting: "Service already running. Attached CLI to master service. Enter 'help [enter]' for help.",
  farewell: 'Exiting CLI ONLY.',
  interrupted: 'Exiting CLI ONLY.',
  isLeave: (line) => leaveWords.includes(wordsOf(line)[0] ?? ''),
  translate: (line) => line,
  explain: (_line, error) => error,
  goesOn: (line) => `"${shorten(line)}" goes on. Ctrl-C again leaves this console; 'shutdown all' stops the service.`,
}
