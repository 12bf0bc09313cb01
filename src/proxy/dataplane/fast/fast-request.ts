import type { ReadyEntry } from '../dispatcher.ts'
import type { Body } from './body.ts'

/** A request that is carried as bytes. */
export interface FastRequest {
  readonly method: string
  /** Its head as it goes to a worker, one character a byte. */
  readonly text: string
  /** What the client sent as path and query, where the worker gets something else; else null. */
  readonly sentTarget: string | null
  readonly requestId: string
  readonly entry: ReadyEntry
  readonly hasBody: boolean
  /** What follows its body to the end, and passes it on to the worker. */
  readonly body: Body
}

/** Its target, as the client sent it. */
export function targetOf({ method, text, sentTarget }: FastRequest): string {
  return sentTarget ?? text.slice(method.length + 1, text.indexOf(' ', method.length + 1))
}
