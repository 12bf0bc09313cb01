import type { ErrorData } from './errors.ts'

/**
 * What the library inside a worker and the supervisor say to each other: bodies of the channel's `message`s. Values cross as
 * JSON. Each side numbers its own calls.
 */

/** An answer to a call of the other side. */
export type Answer =
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly error: ErrorData }

/** Runs a command: one of the service when a worker asks, one that the worker registered when the supervisor does. */
export interface CallMessage {
  readonly type: 'call'
  readonly id: number
  readonly name: string
  readonly args: readonly unknown[]
}

/** From now on this worker runs the command `name` when it is called. */
export interface RegisterMessage {
  readonly type: 'register'
  readonly name: string
  /** null: the command says nothing of it. */
  readonly level: 'remote' | 'local' | 'inproc' | 'disabled' | null
  readonly isVisible: boolean
  /** What `help <name>` shows; null: nothing, or not yet. */
  readonly help: unknown
}

export type FromLibrary = CallMessage | RegisterMessage | Answer
export type ToLibrary = CallMessage | Answer

/** Characters that an argument list or a result may have as JSON: what a channel bears. */
export const messageLimit = 8 * 1024 * 1024
