import { once } from 'node:events'
import type { ListenOptions } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { FromProcess, ToProcess } from '../../common/channel-protocol.ts'
import type { Log } from '../../common/log.ts'
import type { DataplaneSettings, FromProxyProcess, ToProxyProcess } from '../messages.ts'
import type { RouteTableData } from '../routing/route-table.ts'
import { AccessLog } from './access-log.ts'
import { Dispatcher } from './dispatcher.ts'
import { Entrance } from './entrance.ts'
import { FastLane } from './fast/fast-lane.ts'
import { Turn } from './fast/turn.ts'
import { WorkerConnections } from './fast/worker-connections.ts'
import { TrustedPeers } from './forwarding.ts'
import { GeneralLane } from './general-lane.ts'
import { HttpProxyCarrier } from './http-proxy-carrier.ts'
import { Http2Lane } from './http2/http2-lane.ts'
import { ProtocolLane } from './http2/protocol-lane.ts'
import type { Lane, LaneContext } from './lane.ts'
import { Mirror } from './mirror.ts'
import { Refusals } from './refusals.ts'

/** How long requests in flight get when the supervisor has stayed away. */
const abandonedMs = 2_000
/** How long a stop waits for TLS handshakes. */
const handshakeMs = 1_000

/** What a proxy process needs of its channel; `ChannelClient` is one. */
export interface ProxyChannel {
  on(event: 'message', listener: (message: ToProcess) => void): unknown
  on(event: 'restored', listener: () => void): unknown
  on(event: 'abandoned', listener: () => void): unknown
  send(message: FromProcess): void
  markStopping(): void
  close(): void
}

export interface ProxyProcessOptions {
  readonly channel: ProxyChannel
  /** The listening socket: inherited (`{ fd: 3 }`), or in tests a port. */
  readonly listen: ListenOptions | { readonly fd: number }
  readonly log: Log
  /** Tests hold the general lane alone against both. */
  readonly lanes?: 'both' | 'general'
}

/** How a proxy process ended: exit code 0 after a stop; 1, and why, if it could not listen. */
export interface Ending {
  readonly code: 0 | 1
  readonly reason: string | null
}

/**
 * A proxy process without its process: listens for one binding as soon as it has settings and routes, takes over new ones
 * while it runs, and drains when it is told to, or when its supervisor has stayed away.
 */
export class ProxyProcess {
  readonly #options: ProxyProcessOptions
  readonly #turn = new Turn()
  readonly #carrier = new HttpProxyCarrier(this.#turn)
  readonly #workers = new WorkerConnections(this.#turn)
  readonly #dispatcher: Dispatcher
  readonly #refusals: Refusals
  readonly #mirror: Mirror
  #settings: DataplaneSettings | null = null
  #firstTable: RouteTableData | null = null
  #trustedPeers = new TrustedPeers([])
  #accessLog: AccessLog | null = null
  #lane: Lane | null = null
  #entrance: Entrance | null = null
  #stopping: Promise<void> | null = null
  #end: (ending: Ending) => void = () => {}
  /** Resolves once everything is over. */
  readonly ended = new Promise<Ending>((resolve) => {
    this.#end = resolve
  })

  constructor(options: ProxyProcessOptions) {
    this.#options = options
    const send = (body: FromProxyProcess): void => options.channel.send({ type: 'message', body })
    this.#refusals = new Refusals((counts) => send({ type: 'refused', counts }), options.log)
    this.#dispatcher = new Dispatcher({
      settings: () => this.#currentSettings(),
      send,
      onReleased: (target) => {
        this.#carrier.closeIdle(target)
        this.#workers.forget(target)
        this.#mirror.forget(target)
      },
    })
    this.#mirror = new Mirror(() => this.#dispatcher.mirror, {
      settings: () => this.#currentSettings(),
      claim: (version) => this.#dispatcher.claimAside(version),
      report: (counts) => send({ type: 'mirrored', counts }),
    })
    options.channel.on('message', (message) => this.#onMessage(message))
    // It may be another supervisor, which knows nothing of what is in flight here.
    options.channel.on('restored', () => this.#dispatcher.countAnew())
    options.channel.on('abandoned', () => {
      options.log.warn('the supervisor is gone and does not come back: finishing')
      void this.stop(abandonedMs)
    })
  }

  /** Where it listens; for tests. */
  get port(): number | null {
    const address = this.#entrance?.server.address()
    return address !== null && typeof address === 'object' ? address.port : null
  }

  /** Takes nothing new, finishes what is under way, and ends. @param deadline milliseconds; what the settings say if left out */
  stop(deadline = this.#settings?.drainTimeout ?? 0): Promise<void> {
    this.#stopping ??= this.#drain(deadline)
    return this.#stopping
  }

  #onMessage(message: ToProcess): void {
    if (message.type === 'stop') void this.stop()
    if (message.type !== 'message') return
    const body = message.body as ToProxyProcess
    if (body.type === 'configure') this.#configure(body.settings)
    else if (body.type === 'routes') this.#route(body.table)
  }

  #configure(settings: DataplaneSettings): void {
    const before = this.#settings
    this.#settings = settings
    this.#trustedPeers = new TrustedPeers(settings.trustProxy)
    if (before?.accessLog !== settings.accessLog) this.#openAccessLog(settings.accessLog)
    this.#lane?.configure(settings)
    this.#configureEntrance(settings)
    this.#start()
  }

  #configureEntrance(settings: DataplaneSettings): void {
    try {
      this.#entrance?.configure(settings)
    } catch (error) {
      this.#options.log.error({ err: error }, 'the new certificates cannot be used: the former ones stay')
    }
  }

  #route(table: RouteTableData): void {
    this.#firstTable ??= table
    if (this.#settings !== null) this.#dispatcher.update(table)
    this.#start()
  }

  #start(): void {
    if (this.#settings === null || this.#firstTable === null || this.#entrance !== null || this.#stopping !== null)
      return
    if (this.#dispatcher.epoch < this.#firstTable.epoch) this.#dispatcher.update(this.#firstTable)
    const context: LaneContext = {
      dispatcher: this.#dispatcher,
      log: this.#options.log,
      settings: () => this.#currentSettings(),
      trustedPeers: () => this.#trustedPeers,
      isReady: () => this.#stopping === null && this.#dispatcher.isReady,
      accessLog: () => this.#accessLog,
      mirror: () => (this.#dispatcher.mirror === null ? null : this.#mirror),
      refusals: this.#refusals,
    }
    const general = new GeneralLane(context, this.#carrier, this.#turn)
    const { lanes = 'both' } = this.#options
    const http1 = lanes === 'general' ? general : new FastLane(context, this.#workers, this.#turn, general)
    const lane = new ProtocolLane(context, http1, new Http2Lane(context, this.#workers, this.#turn))
    this.#lane = lane
    try {
      this.#entrance = new Entrance({
        settings: () => this.#currentSettings(),
        trustedPeers: () => this.#trustedPeers,
        connectionCount: () => lane.connectionCount,
        refusals: this.#refusals,
        onConnection: (socket) => lane.accept(socket),
      })
    } catch (error) {
      this.#fail(error)
      return
    }
    const { server } = this.#entrance
    server.on('error', (error) => this.#fail(error))
    server.listen(this.#options.listen, () => this.#options.channel.send({ type: 'ready' }))
  }

  #fail(error: unknown): void {
    const { port } = this.#settings?.binding ?? {}
    const reason = error instanceof Error ? error.message : String(error)
    this.#finish({ code: 1, reason: `cannot listen on port ${port}: ${reason}` })
  }

  async #drain(deadline: number): Promise<void> {
    this.#options.channel.markStopping()
    const server = this.#entrance?.server
    if (server?.listening) {
      const closed = once(server, 'close')
      server.close()
      const began = Date.now()
      await this.#lane?.drain(deadline)
      // What was still a TLS handshake may have become a connection by then.
      await Promise.race([closed, delay(Math.min(handshakeMs, deadline), undefined, { ref: false })])
      await this.#lane?.drain(Math.max(0, began + deadline - Date.now()))
    }
    this.#finish({ code: 0, reason: null })
  }

  #finish(ending: Ending): void {
    this.#carrier.close()
    this.#workers.close()
    this.#mirror.close()
    this.#dispatcher.flush()
    this.#refusals.flush()
    this.#openAccessLog(null)
    this.#end(ending)
  }

  #openAccessLog(file: string | null): void {
    this.#accessLog?.close()
    this.#accessLog = null
    if (file === null) return
    try {
      this.#accessLog = new AccessLog(file)
    } catch (error) {
      this.#options.log.error({ err: error }, `cannot write the access log ${file}: requests go on without it`)
    }
  }

  #currentSettings(): DataplaneSettings {
    if (this.#settings === null) throw new Error('no settings yet')
    return this.#settings
  }
}
