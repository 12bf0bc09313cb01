import type { History } from './history.ts'
import type { Role } from './role.ts'
import type { SharedTerminal } from './shared-terminal.ts'

export interface ConsoleOptions {
  /** Runs a line in the service. @param onProgress told how far a long command is */
  readonly runLine: RunLine
  readonly role: Role
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  /** Where errors go when lines come from a pipe. */
  readonly errors: NodeJS.WriteStream
  /** What the log and the workers write to; their lines then go above the one that is being typed. */
  readonly shared: SharedTerminal | null
  readonly history: History
  /** For lines that come from a pipe: one JSON value for each, and nothing else. */
  readonly isJson: boolean
}

export type RunLine = (line: string, onProgress: (text: string) => void) => Promise<unknown>

/** How a console ended. */
export interface ConsoleEnd {
  /** `interrupt`: Ctrl-C with nothing typed; `left`: Ctrl-D, exit, the end of the input; `closed`: somebody called close(). */
  readonly reason: 'interrupt' | 'left' | 'closed'
  /** Of the last line that failed, where lines come from a pipe; 0 otherwise. */
  readonly exitCode: number
}

/** A console that is open. */
export interface Console {
  /** Resolves once, when it is closed and the terminal is as it was. */
  readonly ended: Promise<ConsoleEnd>
  /** Closes it and leaves everything else as it is. @param message a last line */
  close(message?: string): void
}
