import type { ReadyEntry } from '../dispatcher.ts'
import type { RequestHead } from './scan-request-head.ts'

/** A request that the fast lane has accepted. */
export interface FastRequest {
  readonly head: RequestHead
  /** As it goes to a worker, one character a byte. */
  readonly text: string
  readonly requestId: string
  readonly entry: ReadyEntry
}
