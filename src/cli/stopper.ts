import type { Log } from '../common/log.ts'

/** A service, as far as ending it goes. */
export interface Stoppable {
  stop(reason: string): Promise<void>
  kill(): void
}

/** Turns signals into the end of a service: SIGTERM and SIGINT stop it gracefully, a second SIGINT ends it at once. Owns the handlers. */
export class Stopper {
  readonly #log: Log
  #service: Stoppable | null = null
  #reason: string | null = null
  #onStopping: () => void = () => {}
  readonly #handlers = new Map<NodeJS.Signals, () => void>([
    ['SIGTERM', () => this.stop('SIGTERM')],
    ['SIGINT', () => this.interrupt()],
    ['SIGHUP', () => this.#hangUp()],
  ])

  constructor(log: Log) {
    this.#log = log
    for (const [signal, handler] of this.#handlers) process.on(signal, handler)
  }

  get isStopping(): boolean {
    return this.#reason !== null
  }

  /** From now on there is something to stop; at once, if it was asked for before. */
  watch(service: Stoppable): void {
    this.#service = service
    if (this.#reason !== null) void this.#stopService(this.#reason)
  }

  /** Calls back, once, when the stop begins. */
  onStopping(callback: () => void): void {
    this.#onStopping = callback
  }

  stop(reason: string): void {
    if (this.#reason !== null) return
    this.#reason = reason
    this.#onStopping()
    void this.#stopService(reason)
  }

  dispose(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler)
  }

  async #stopService(reason: string): Promise<void> {
    try {
      await this.#service?.stop(reason)
    } catch (error) {
      this.#log.error({ err: error }, 'stopping failed')
      this.#service?.kill()
      process.exit(1)
    }
  }

  /** Ctrl-C, however it arrives: the first one stops gracefully, the second one at once. */
  interrupt(): void {
    if (this.#reason === null) {
      if (process.stderr.isTTY) process.stderr.write('\nStopping gracefully; press Ctrl-C again to stop at once.\n')
      this.stop('SIGINT')
      return
    }
    this.#service?.kill()
    process.exit(130)
  }

  /** A service without a terminal outlives the session that started it; one on a terminal ends with the terminal. */
  #hangUp(): void {
    if (process.stdin.isTTY) this.stop('SIGHUP')
  }
}
