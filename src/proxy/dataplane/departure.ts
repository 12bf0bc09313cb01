/**
 * Whether the client of a request has left, and what is to be done when it does. An `AbortController` does as much, but costs a
 * twentieth of a request: here one is made only for who waits by signal.
 */
export class Departure {
  #hasLeft = false
  #controller: AbortController | null = null
  #cancel: (() => void) | null = null

  get hasLeft(): boolean {
    return this.#hasLeft
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#hasLeft) this.#controller.abort()
    return this.#controller.signal
  }

  /** What is to be done when the client leaves: at once, if it has left. Takes the place of what was to be done before. */
  expect(cancel: () => void): void {
    this.#cancel = cancel
    if (this.#hasLeft) cancel()
  }

  /** This need not be done any more. */
  forget(cancel: () => void): void {
    if (this.#cancel === cancel) this.#cancel = null
  }

  /** The client has left. May be called more than once. */
  leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#controller?.abort()
    this.#cancel?.()
  }
}
