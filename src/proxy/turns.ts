/** Lets changes of the gateway run one after another: a promote must not meet another one, or an edit, half way. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs the action when those before it are over, however they ended. */
  take<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.then(action)
    this.#last = result.catch(() => {})
    return result
  }

  /** Resolves when all that has been taken so far is over. */
  async over(): Promise<void> {
    await this.#last
  }
}
