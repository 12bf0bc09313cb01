import type { DataplaneSettings, MirrorCounters } from '../messages.ts'
import type { MirrorRoute, Target } from '../routing/route-table.ts'
import type { Selection } from '../routing/selection.ts'
import { Turn } from './fast/turn.ts'
import { WorkerConnections } from './fast/worker-connections.ts'
import { MirroredRequest } from './mirrored-request.ts'
import type { Claim } from './targets.ts'

/** How many copies may be under way in one proxy process: a version that is slow must not fill its memory. */
const limit = 32
/** How long a copy may take, in milliseconds, whatever the settings allow. */
const longestMs = 10_000
const reportMs = 500

export interface MirrorOptions {
  settings(): DataplaneSettings
  /** A target of the version, counted on it; null: it does not run. */
  claim(version: string): Claim | null
  report(counts: MirrorCounters): void
  /** Tests decide by themselves which requests are copied. */
  random?(): number
}

/** The way that requests took to their version. */
type Chosen = Pick<Selection, 'version' | 'by'>

/**
 * Sends copies of requests to a version, and throws the answers away. Nothing of it is waited for: copies leave in a turn of
 * the event loop of their own, on connections of their own, a few at a time; what is too much is not sent, and counted.
 */
export class Mirror {
  readonly #options: MirrorOptions
  readonly #route: () => MirrorRoute | null
  readonly #workers = new WorkerConnections(new Turn())
  readonly #underWay = new Set<MirroredRequest>()
  #counts: { answered: number; failed: number; dropped: number } = noCounts()
  #reporting: NodeJS.Timeout | null = null
  #clock: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(route: () => MirrorRoute | null, options: MirrorOptions) {
    this.#route = route
    this.#options = options
  }

  /**
   * A request without a body that is on its way to a version.
   * @param text makes its head as a worker gets it, one character a byte; asked only if it is copied
   */
  offer(method: string, { version, by }: Chosen, text: () => string): void {
    const route = this.#route()
    if (route === null || this.#isClosed || (method !== 'GET' && method !== 'HEAD')) return
    if (version === route.version || (by !== 'live' && by !== 'rollout')) return
    const { random = Math.random } = this.#options
    if (random() >= route.share) return
    if (this.#underWay.size >= limit) {
      this.#count('dropped')
      return
    }
    const head = text()
    setImmediate(() => this.#send(route.version, method, head))
  }

  /** Nothing will be sent to the target any more. */
  forget(target: Target): void {
    this.#workers.forget(target)
  }

  /** Breaks off what is under way. */
  close(): void {
    this.#isClosed = true
    for (const request of this.#underWay) request.end('failed')
    this.#workers.close()
    this.#flush()
    if (this.#clock !== null) clearInterval(this.#clock)
  }

  #send(version: string, method: string, head: string): void {
    const claim = this.#isClosed || this.#underWay.size >= limit ? null : this.#options.claim(version)
    if (claim === null) {
      this.#count('dropped')
      return
    }
    const text = `${head.slice(0, -2)}X-Mirrored: 1\r\n\r\n`
    const request = new MirroredRequest(this.#workers, claim, { isHead: method === 'HEAD', text }, (result) => {
      this.#underWay.delete(request)
      this.#count(result)
    })
    this.#underWay.add(request)
    this.#clock ??= setInterval(() => this.#check(Date.now()), 250).unref()
    request.start()
  }

  #check(now: number): void {
    const { answerTimeout, connectTimeout } = this.#options.settings()
    const longest = answerTimeout > 0 ? Math.min(answerTimeout, longestMs) : longestMs
    for (const request of this.#underWay) if (now - request.startedAt >= longest) request.end('failed')
    this.#workers.sweep(now, connectTimeout)
    if (this.#underWay.size > 0 || this.#route() !== null || this.#clock === null) return
    clearInterval(this.#clock)
    this.#clock = null
  }

  #count(what: keyof MirrorCounters): void {
    this.#counts[what]++
    this.#reporting ??= setTimeout(() => this.#flush(), reportMs).unref()
  }

  #flush(): void {
    if (this.#reporting === null) return
    clearTimeout(this.#reporting)
    this.#reporting = null
    const counts = this.#counts
    this.#counts = noCounts()
    this.#options.report(counts)
  }
}

function noCounts(): { answered: number; failed: number; dropped: number } {
  return { answered: 0, failed: 0, dropped: 0 }
}
