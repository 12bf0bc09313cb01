import type { Ward } from '../common/channel-protocol.ts'
import { isRunning, isStranger } from '../common/is-running.ts'
import { Output, type OutputSink } from './output.ts'
import type { ProcessEnd, WorkerProcess } from './worker-process.ts'

/** How often it is looked whether it is still there, in milliseconds. */
const lookInterval = 150
/** And when its channel has closed, so many times as often: most probably it is about to end. */
const closeLooks = 10
const closeInterval = 15

/**
 * A process that is not our child: an earlier supervisor has started it, or one of its siblings (docs/adr/0010). It is known by
 * its pid together with its start time. Its end is noticed by looking, and how it ended is not known; what it writes comes by
 * its channel, if it has one.
 */
export class AdoptedProcess implements WorkerProcess {
  readonly clusterWorker = null
  readonly ward: Ward
  readonly ended: Promise<ProcessEnd>
  readonly #output: Output
  readonly #looking: NodeJS.Timeout
  #closing: NodeJS.Timeout | null = null
  #hasEnded = false
  #onEnd: () => void = () => {}

  /** @param name for the prefix of its output @param output null: what it says is dropped */
  constructor(ward: Ward, name: string, output: OutputSink | null) {
    this.ward = ward
    this.#output = new Output({ stdout: null, stderr: null }, () => `${name}:${ward.pid} | `, output)
    this.ended = new Promise((resolve) => {
      this.#onEnd = () => resolve({ exitCode: null, signal: null })
    })
    this.#looking = setInterval(() => this.#lookOnce(), lookInterval).unref()
  }

  get pid(): number {
    return this.ward.pid
  }

  get breach(): string | null {
    return this.#hasEnded ? 'how it ended is not known, since this supervisor had not started it itself' : null
  }

  get lastWords(): readonly string[] {
    return this.#output.tail
  }

  signal(signal: NodeJS.Signals): void {
    if (isStranger(this.ward)) return
    try {
      process.kill(-this.ward.pid, signal)
    } catch {
      // nobody is left in the group
    }
    this.look()
  }

  hear(stream: 'stdout' | 'stderr', text: string): void {
    this.#output.push(stream, text)
  }

  look(): void {
    if (this.#closing || this.#hasEnded) return
    let looks = 0
    this.#closing = setInterval(() => {
      this.#lookOnce()
      if (++looks < closeLooks || this.#closing === null) return
      clearInterval(this.#closing)
      this.#closing = null
    }, closeInterval).unref()
  }

  async cleanUp(): Promise<void> {
    this.signal('SIGKILL')
    this.#output.end('stdout', 'stderr')
  }

  #lookOnce(): void {
    if (this.#hasEnded || isRunning(this.ward)) return
    this.#hasEnded = true
    clearInterval(this.#looking)
    if (this.#closing) clearInterval(this.#closing)
    this.#onEnd()
  }
}
