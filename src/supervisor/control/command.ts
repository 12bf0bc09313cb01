import type { Log } from '../../common/log.ts'

/** How much a caller must be trusted to run a command, lowest first. `disabled`: nobody may, from outside. */
export type AccessLevel = 'remote' | 'local' | 'inproc' | 'disabled'

/** Who gave a command. A `local` caller is the same machine with a key, or the same user through the control socket. */
export interface Caller {
  readonly level: 'remote' | 'local' | 'inproc'
  /** For logs and the journal: a user name, or the address of a REST client and, of several keys, which one. Never a key. */
  readonly name: string
}

export interface CommandContext {
  readonly caller: Caller
  /** Aborted when the service stops; not when the caller hangs up, since a command once begun is finished. */
  readonly signal: AbortSignal
  readonly log: Log
  /** The words after the name as text, at the indices of `args`: a version may be called `7`, and `args` has it as a number. */
  readonly words: readonly string[]
  /** Bytes that came with the call, as fast as they are read; without it, none came. Only for a command with a `route`. */
  readonly body?: AsyncIterable<Uint8Array>
  /** Tells whoever watches how far a long command is: `2 of 8 workers restarted`. */
  report(progress: string): void
}

/**
 * A way of its own into a command by REST and the control socket. POST: bytes come with the call (`POST /deploy?as=v7`). GET:
 * the answer may be a `ByteAnswer` (`GET /pack?version=v7`).
 */
export interface ByteRoute {
  readonly method: 'GET' | 'POST'
  /** `/deploy` */
  readonly path: string
  /**
   * The words after the name of the command that a query means; the access key is no part of it.
   * @throws CserviceError BAD_USAGE
   */
  toWords(query: URLSearchParams): string[]
}

/**
 * What `help <name>` answers (LEGACY 2): `info`, `command`, one key an argument, and `"* name"` keys for options.
 */
export type CommandHelp = Readonly<Record<string, string>>

/** One command: the same from the command line, the console, REST and the library. One file each. */
export interface Command {
  readonly name: string
  readonly level: AccessLevel
  /** Nobody has chosen the level: one that the name has already (of a command it replaces, or by `setLevels`) stays. */
  readonly hasDefaultLevel?: boolean
  /** Whether `help` lists it. */
  readonly isVisible: boolean
  /** A function is asked each time that somebody wants to read it; what it answers is JSON-safe, and null if there is none. */
  readonly help: CommandHelp | (() => Promise<unknown>)
  readonly routes?: readonly ByteRoute[]
  /**
   * Whether a call with these words may run beside any other: it only reads, or (`exit`) must not wait for anything.
   * Without it, and where it says no, calls run one at a time in the order in which they came.
   */
  runsAtOnce?(words: readonly string[]): boolean
  /**
   * @param args the words after the name, each a string, or a number, boolean, null, object or array where it was JSON
   * @returns a JSON-safe value
   * @throws CserviceError
   */
  run(args: readonly unknown[], context: CommandContext): Promise<unknown>
}
