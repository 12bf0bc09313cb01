import type { ErrorData } from '../common/errors.ts'

/** What a service in the background tells `cserviced`, which waits for it. */
export type ReadinessMessage = { readonly type: 'ready' } | { readonly type: 'failed'; readonly error: ErrorData }

/** Tells a service that `cserviced` started it; its value is the default path of the pid file. */
export const daemonVariable = 'CSERVICE_DAEMON'

/** The service's side of the line to `cserviced`. */
export class ReadinessLine {
  readonly pidFile: string
  #isOpen = true

  /** The line of this process, or null in the foreground. The variable is removed, so that workers do not inherit it. */
  static fromEnvironment(): ReadinessLine | null {
    const pidFile = process.env[daemonVariable]
    delete process.env[daemonVariable]
    return pidFile === undefined || process.send === undefined ? null : new ReadinessLine(pidFile)
  }

  private constructor(pidFile: string) {
    this.pidFile = pidFile
  }

  /** Calls back when `cserviced` ends before it has heard: then nobody knows of this service, and it should end as well. */
  onAbandoned(callback: () => void): void {
    process.once('disconnect', () => {
      if (this.#isOpen) callback()
    })
    if (!process.connected) callback()
  }

  async say(message: ReadinessMessage): Promise<void> {
    this.#isOpen = false
    if (!process.connected) return
    await new Promise<void>((resolve) => {
      if (process.send) process.send(message, undefined, undefined, () => resolve())
      else resolve()
    })
    if (process.connected) process.disconnect()
  }
}
