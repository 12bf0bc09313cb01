import { spawn } from 'node:child_process'
import type { Log } from '../common/log.ts'

/**
 * Tells systemd how a service of `Type=notify` is (sd_notify(3)): that it is ready, that it stops, and, where the unit has
 * `WatchdogSec=`, that it lives. Owns the watchdog's timer.
 *
 * systemd listens on a datagram Unix socket, which Node cannot open; `systemd-notify`, a part of systemd, says it for us.
 * Its pid is not the service's, so the unit needs `NotifyAccess=all`.
 */
export class SystemdNotice {
  readonly #socket: string
  readonly #watchdogInterval: number | null
  readonly #log: Log
  #watchdog: NodeJS.Timeout | null = null
  #lastWord: Promise<void> = Promise.resolve()
  #isHeard = true

  /** The notice of this process, or null without systemd. The variables are removed, so that workers do not inherit them. */
  static fromEnvironment(log: Log): SystemdNotice | null {
    const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = process.env
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete process.env[name]
    if (socket === undefined || socket === '') return null
    const isMeant = pid === undefined || pid === String(process.pid)
    return new SystemdNotice(socket, isMeant ? halfInMilliseconds(microseconds) : null, log)
  }

  private constructor(socket: string, watchdogInterval: number | null, log: Log) {
    this.#socket = socket
    this.#watchdogInterval = watchdogInterval
    this.#log = log
  }

  /** The service serves. From now on the watchdog hears of it for as long as this event loop turns. */
  ready(): void {
    this.#say(`--pid=${process.pid}`, '--ready', '--status=Serving')
    if (this.#watchdogInterval === null) return
    this.#watchdog = setInterval(() => this.#say('WATCHDOG=1'), this.#watchdogInterval)
    this.#watchdog.unref()
  }

  /** The stop has begun. The watchdog goes on: a stop that hangs is to be seen as well. */
  stopping(): void {
    this.#say('STOPPING=1', 'STATUS=Finishing what is in flight')
  }

  dispose(): void {
    if (this.#watchdog !== null) clearInterval(this.#watchdog)
  }

  /** One after the other: "stopping" must not overtake "ready". */
  #say(...words: string[]): void {
    this.#lastWord = this.#lastWord.then(() => this.#notify(words))
  }

  async #notify(words: string[]): Promise<void> {
    const failure = await run(words, this.#socket)
    if (failure === null || !this.#isHeard) return
    this.#isHeard = false
    this.#log.warn(
      `systemd was not told ${words.join(' ')}: ${failure}. The unit needs the program systemd-notify and NotifyAccess=all; without the program, use Type=exec and no WatchdogSec=.`,
    )
  }
}

/** Half of the time, as sd_watchdog_enabled(3) advises; null where there is no watchdog. */
function halfInMilliseconds(microseconds: string | undefined): number | null {
  const half = Math.floor(Number(microseconds ?? 0) / 2_000)
  return half >= 1 ? half : null
}

/** Why it failed, or null. It never rejects: a service does not end because nobody hears of it. */
function run(words: string[], socket: string): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn('systemd-notify', words, {
      stdio: 'ignore',
      env: { ...process.env, NOTIFY_SOCKET: socket },
    })
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(code === 0 ? null : `systemd-notify ended with ${code ?? signal}`))
  })
}
