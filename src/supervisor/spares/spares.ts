import { EventEmitter } from 'node:events'
import type { Ward } from '../../common/channel-protocol.ts'
import type { Log } from '../../common/log.ts'
import type { ChannelServer } from '../channel-server.ts'
import { environmentOf, type Launch } from '../launch.ts'
import { allowsSpares, fitsSpare } from './fits-spare.ts'
import { countFailures, decideReserve, type ReserveSettings } from './reserve-policy.ts'
import { Spare } from './spare.ts'

export interface SparesOptions {
  readonly channel: ChannelServer
  readonly log: Log
  /** Names a process on the channel. */
  nextId(): string
  /** Whether a worker is starting: a spare is not booted beside it. */
  isBusy(): boolean
}

interface SparesEvents {
  /** Processes have come or gone. */
  change: []
}

/**
 * The reserve: booted Node processes, each of which becomes one worker, of whatever version is asked for
 * (docs/adr/0007). Owns them until then.
 */
export class Spares extends EventEmitter<SparesEvents> {
  readonly #options: SparesOptions
  readonly #spares = new Set<Spare>()
  #settings: ReserveSettings = { count: 0, memoryLimit: Number.POSITIVE_INFINITY }
  #failures = 0
  #failedAt = 0
  #busyAt = Number.NEGATIVE_INFINITY
  #shortSince: number | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(options: SparesOptions) {
    super()
    this.#options = options
  }

  /** Changes what the reserve is to be, also while it is in use. */
  configure(settings: ReserveSettings): void {
    this.#settings = settings
    this.#failures = 0
    if (settings.count > 0 && !allowsSpares(process.env)) {
      this.#options.log.warn({}, 'no warm spares are kept: NODE_OPTIONS may run code in them')
    }
    for (const spare of this.#spares) this.#refuseIfLarge(spare)
    this.#update()
  }

  get wanted(): number {
    return this.#settings.count
  }

  get ready(): number {
    return [...this.#spares].filter((spare) => spare.isReady).length
  }

  /** All of them, to be ended should the supervisor not come back. */
  get wards(): readonly Ward[] {
    return [...this.#spares].flatMap((spare) => spare.ward ?? [])
  }

  /** A worker has been started, or is ready, or has ended: the reserve may be filled up now, or must wait. */
  look(): void {
    if (this.wanted > 0) this.#update()
  }

  /**
   * A process that has become the worker of this launch.
   * @returns null when there is none that can: then a process must be started
   */
  async take(launch: Launch): Promise<Spare | null> {
    const environment = environmentOf(launch)
    const spare = [...this.#spares].find((one) => one.isReady && fitsSpare(launch, environment, one.environment))
    if (!spare) return null
    this.#spares.delete(spare)
    this.#busyAt = performance.now()
    this.#failures = 0
    const { file, args = [], cwd } = launch
    const isWorker = await spare.become({ file, args, cwd, env: environment })
    this.emit('change')
    this.#update()
    if (isWorker) return spare
    this.#options.log.warn({ pid: spare.ward?.pid }, 'a warm spare did not become a worker; a process is started')
    return null
  }

  /** Ends the reserve; resolves when none of its processes is left. */
  async close(): Promise<void> {
    this.#settings = { ...this.#settings, count: 0 }
    const spares = [...this.#spares]
    this.#update()
    await Promise.all(spares.map((spare) => spare.gone()))
  }

  #update(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    const now = performance.now()
    if (this.#options.isBusy()) this.#busyAt = now
    const isShort = this.#spares.size < this.wanted
    this.#shortSince = isShort ? (this.#shortSince ?? now) : null
    const move = decideReserve({
      wanted: this.wanted,
      ready: this.ready,
      booting: this.#spares.size - this.ready,
      failures: this.#failures,
      sinceFailure: now - this.#failedAt,
      calmFor: now - this.#busyAt,
      shortFor: now - (this.#shortSince ?? now),
    })
    if (move.action === 'end') for (const spare of [...this.#spares].slice(-move.count)) this.#drop(spare)
    else if (move.action === 'start' && allowsSpares(process.env)) this.#start()
    else if (move.action === 'wait') this.#timer = setTimeout(() => this.#update(), move.delay).unref()
  }

  #start(): void {
    const { channel, nextId } = this.#options
    let spare: Spare
    try {
      spare = new Spare(nextId(), channel, { ...process.env })
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error), null)
      return
    }
    this.#spares.add(spare)
    spare.once('ready', () => {
      this.#refuseIfLarge(spare)
      this.#update()
    })
    spare.once('end', () => {
      if (this.#spares.delete(spare)) this.#fail(spare.lastWords, spare.readyFor)
    })
    this.emit('change')
  }

  #refuseIfLarge(spare: Spare): void {
    const { memoryLimit } = this.#settings
    if (spare.rss <= memoryLimit) return
    this.#drop(spare)
    this.#fail(`it takes ${spare.rss} bytes, more than the ${memoryLimit} that it may`, null)
  }

  #drop(spare: Spare): void {
    this.#spares.delete(spare)
    spare.kill()
    this.emit('change')
  }

  #fail(why: string, readyFor: number | null): void {
    this.#failures = countFailures(this.#failures, readyFor)
    this.#failedAt = performance.now()
    this.#options.log.warn({ why, failures: this.#failures }, 'a warm spare was lost; another one follows')
    this.emit('change')
    this.#update()
  }
}
