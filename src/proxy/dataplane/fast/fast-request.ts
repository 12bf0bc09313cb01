import type { ReadyEntry } from '../dispatcher.ts'
import type { Body } from './body.ts'

/** A request that is carried as bytes. */
export interface FastRequest {
  readonly method: string
  /** Its head as it goes to a worker, one character a byte. */
  readonly text: string
  readonly requestId: string
  readonly entry: ReadyEntry
  readonly hasBody: boolean
  /** What follows its body to the end, and passes it on to the worker. */
  readonly body: Body
}

/** Its target, as the worker gets it. */
export function targetOf({ method, text }: FastRequest): string {
  return text.slice(method.length + 1, text.indexOf(' ', method.length + 1))
}
