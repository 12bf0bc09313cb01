import type { WorkerConnection } from './worker-connection.ts'

/** What was given to a worker's connection, and can be taken back as long as all of it waits for the end of the turn. */
export class SentRequest {
  /** What a worker gets first: the head, and what of the body was on its way to a connection that was closed before. */
  #text: string
  /** What the connection's outlet had given to its socket before this request. */
  #givenBefore = 0

  /** @param text the head */
  constructor(text: string) {
    this.#text = text
  }

  /** It is to go out on this one. */
  aim({ outlet }: WorkerConnection): void {
    this.#givenBefore = outlet.bytesGiven
  }

  /** Begins it on the connection it was aimed at. */
  begin({ outlet }: WorkerConnection): void {
    outlet.text(this.#text)
  }

  /** Whether a kept connection has been used for nothing yet. */
  isUnsent({ hasServed, outlet }: WorkerConnection): boolean {
    return hasServed && outlet.bytesGiven === this.#givenBefore
  }

  /** Another connection gets what waits on this one. */
  takeBack({ outlet }: WorkerConnection): void {
    this.#text = outlet.takeBack()
  }
}
