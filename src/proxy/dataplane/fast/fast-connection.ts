import type { Socket } from 'node:net'
import { composeAnswer, toMessage } from '../answer.ts'
import { isAuthority } from '../check-request.ts'
import { forwardingHeaders, type Peer, plainAddress } from '../forwarding.ts'
import type { LaneContext } from '../lane.ts'
import { Refusal } from '../refusal.ts'
import { resetSocket } from '../relay-answer.ts'
import { newRequestId, requestIdOf } from '../request-id.ts'
import type { ClientSide } from './client-side.ts'
import { FastExchange } from './fast-exchange.ts'
import { targetOf } from './fast-request.ts'
import { MessageOutlet } from './message-outlet.ts'
import { requestBodyOf } from './request-body.ts'
import { type RequestHead, scanRequestHead } from './scan-request-head.ts'
import { spliceRequestHead } from './splice-request-head.ts'
import type { WorkerConnections } from './worker-connections.ts'

/** How much is kept of what a client sends ahead of its turn before we stop reading. */
const readAheadLimit = 64 * 1024
/** A head that comes in more pieces than this is for the general lane. */
const pieceLimit = 8
/** How long a client whose connection we have ended may take to go away by itself. */
const lingerMs = 1_000

export interface FastConnectionOptions {
  readonly context: LaneContext
  readonly workers: WorkerConnections
  isDraining(): boolean
  /**
   * The next request is not for the fast lane; its bytes are in the socket again.
   * @param since when it began to come, in milliseconds since the epoch
   */
  onDeclined(socket: Socket, since: number): void
  onClosed(): void
}

/**
 * A client's connection in the fast lane. It waits for a head (`head`), carries one exchange at a time (`exchange`), and after
 * the last one waits until the client has gone (`closing`); or it is given to the general lane (`left`).
 */
export class FastConnection implements ClientSide {
  readonly outlet: MessageOutlet
  readonly #options: FastConnectionOptions
  readonly #socket: Socket
  readonly #peer: Peer
  #state: 'head' | 'exchange' | 'closing' | 'left' = 'head'
  /** When this state, or the head that is coming, began, in milliseconds since the epoch. */
  #since = Date.now()
  /** What has come and not been taken yet. */
  #unread: Buffer | null = null
  #pieces = 0
  #exchange: FastExchange | null = null
  #closesAfter = false
  #startedAt = 0
  #sentBefore = 0
  #hasServed = false
  /** The last `Host`, which was sane, and what follows from it. */
  #host: string | null = null
  #forwarding = ''

  constructor(socket: Socket, options: FastConnectionOptions) {
    this.#socket = socket
    this.#options = options
    this.#peer = { address: plainAddress(socket.remoteAddress), isEncrypted: 'encrypted' in socket }
    this.outlet = new MessageOutlet(socket)
    socket.on('data', this.#onData)
    socket.on('end', this.#onClientEnd)
    socket.on('drain', this.#onDrain)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  /** Whether nothing is under way on it, not even the rest of an answer that the client has not taken yet. */
  get isIdle(): boolean {
    return this.#state === 'head' && this.#socket.writableLength === 0
  }

  /** When it was last used, in milliseconds since the epoch. */
  get usedAt(): number {
    return this.#since
  }

  destroy(): void {
    this.#socket.destroy()
  }

  isLast(): boolean {
    return this.#closesAfter || this.#options.isDraining()
  }

  offerBody(): void {
    const exchange = this.#exchange
    const unread = this.#unread
    if (exchange === null || unread === null) return
    this.#unread = null
    const taken = exchange.takeBody(unread, 0, unread.length)
    if (this.#exchange !== exchange && this.#state !== 'head') return
    this.#keep(unread, taken)
    this.#readHead() // that may have been the last the exchange needed
    this.#limitReadAhead()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    if (this.#state !== 'left' && this.#socket.isPaused()) this.#socket.resume()
  }

  onEnd(closes: boolean): void {
    this.#account()
    if (closes) this.#close()
    else {
      this.#state = 'head'
      this.#since = Date.now()
      this.#hasServed = true
      this.resume()
      this.#readHead()
      this.#limitReadAhead()
    }
  }

  onBroken(): void {
    this.#account()
    resetSocket(this.#socket)
  }

  /** Looks at the time: to be called now and then. */
  check(now: number): void {
    const { headTimeout, keepAliveTimeout, answerTimeout } = this.#options.context.settings()
    const waited = now - this.#since
    if (this.#state === 'exchange') this.#exchange?.check(now, answerTimeout)
    else if (this.#state === 'head' && this.#socket.writableLength > 0)
      this.#since = now // it is busy reading
    else if (this.#state === 'closing') {
      if (!this.#socket.writableFinished) this.#since = now
      else if (waited >= lingerMs) this.#socket.destroy()
    } else if (this.#unread !== null) {
      if (waited >= headTimeout) this.#refuse(new Refusal('REQUEST_TIMEOUT'))
    } else if (waited >= (this.#hasServed ? keepAliveTimeout : headTimeout)) this.#socket.destroy()
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#state === 'closing') return
    const isFirstPiece = this.#unread === null
    const unread = this.#unread === null ? chunk : Buffer.concat([this.#unread, chunk])
    this.#unread = unread
    if (this.#state === 'head') {
      if (isFirstPiece) this.#since = Date.now()
      this.#pieces++
      this.#readHead()
    } else if (this.#exchange !== null && !this.#exchange.isReceived) this.offerBody()
    this.#limitReadAhead()
  }

  readonly #onClientEnd = (): void => {
    // Whoever ends its side is taken to have left, as `node:http` does.
    this.#abort()
    if (this.#state === 'head' && this.#unread !== null) this.#refuse(new Refusal('BAD_REQUEST'))
    else this.#socket.end()
  }

  readonly #onDrain = (): void => {
    this.#exchange?.onClientDrain()
    if (this.#state !== 'head') return
    this.resume()
    this.#readHead()
    this.#limitReadAhead()
  }

  readonly #onError = (): void => {} // 'close' follows

  readonly #onClose = (): void => {
    this.#abort()
    this.#unread = null
    this.#options.onClosed()
  }

  /** To be called whenever reading may have been resumed: else each answer would let more come than its request took away. */
  #limitReadAhead(): void {
    if (this.#state === 'exchange' && this.#unread !== null && this.#unread.length >= readAheadLimit) this.pause()
  }

  #readHead(): void {
    while (this.#state === 'head' && this.#unread !== null) {
      if (this.outlet.isBlocked) {
        // A client that reads no answers gets no more: they would fill our memory.
        this.pause()
        return
      }
      const bytes = this.#unread
      const { versionHeader } = this.#options.context.settings()
      const head = scanRequestHead(bytes, 0, bytes.length, versionHeader)
      if (head === 'more' && this.#pieces < pieceLimit) return
      if (typeof head === 'string' || !this.#begin(bytes, head)) this.#decline()
    }
  }

  /** @returns false if the request is for the general lane after all */
  #begin(bytes: Buffer, head: RequestHead): boolean {
    const { context, workers } = this.#options
    if (context.trustedPeers().has(this.#peer.address)) return false
    const raw = bytes.toString('latin1', 0, head.end)
    const host = raw.slice(head.hostStart, head.hostEnd)
    if (host !== this.#host && !this.#useHost(host)) return false
    const versionHeaders = head.versionStart === -1 ? [] : [raw.slice(head.versionStart, head.versionEnd)]
    const entry = context.dispatcher.enterReady({ versionHeaders })
    if (entry === null) return false
    const given = head.requestIdStart === -1 ? undefined : raw.slice(head.requestIdStart, head.requestIdEnd)
    const requestId = requestIdOf(given)
    const text = spliceRequestHead(raw, head, `${this.#forwarding}X-Request-Id: ${requestId}\r\n`)
    this.#state = 'exchange'
    this.#pieces = 0
    this.#startedAt = Date.now()
    this.#closesAfter = head.closes
    if (context.accessLog() !== null) this.#sentBefore = this.#socket.bytesWritten
    this.#keep(bytes, head.end)
    const request = { method: head.method, text, requestId, entry, ...requestBodyOf(head) }
    this.#exchange = new FastExchange(context, workers, this, request)
    this.#exchange.start()
    return true
  }

  #useHost(host: string): boolean {
    if (!isAuthority(host)) return false
    this.#host = host
    this.#forwarding = ''
    for (const [name, value] of forwardingHeaders(this.#peer, host, new Map())) {
      this.#forwarding += `${name}: ${value}\r\n`
    }
    return true
  }

  #keep(bytes: Buffer, from: number): void {
    this.#unread = from < bytes.length ? bytes.subarray(from) : null
  }

  #decline(): void {
    const unread = this.#unread
    this.#state = 'left'
    this.#unread = null
    this.#release()
    if (unread !== null) this.#socket.unshift(unread)
    this.#options.onDeclined(this.#socket, this.#since)
    if (this.#socket.isPaused()) this.#socket.resume()
  }

  #release(): void {
    this.#socket.off('data', this.#onData)
    this.#socket.off('end', this.#onClientEnd)
    this.#socket.off('drain', this.#onDrain)
    this.#socket.off('error', this.#onError)
    this.#socket.off('close', this.#onClose)
  }

  #refuse(refusal: Refusal): void {
    const message = toMessage(composeAnswer(refusal, { requestId: newRequestId(), prefersHtml: false }))
    this.#socket.write(message)
    this.#close()
  }

  /** Says no more; reads on, so that the client gets to read what was said (RFC 9112 9.6). */
  #close(): void {
    this.#state = 'closing'
    this.#since = Date.now()
    this.#unread = null
    this.#socket.end()
    if (this.#socket.isPaused()) this.#socket.resume()
  }

  /** The client has left. */
  #abort(): void {
    this.#exchange?.abort()
    this.#account()
  }

  /** The exchange is over: counts it, and logs it. */
  #account(): void {
    const exchange = this.#exchange
    if (exchange === null) return
    this.#exchange = null
    const { status, request } = exchange
    const { entry, method, requestId } = request
    entry.ticket.leave(status)
    this.#options.context.accessLog()?.add({
      time: new Date(this.#startedAt).toISOString(),
      requestId,
      client: this.#peer.address,
      method,
      target: targetOf(request),
      status,
      bytes: this.#socket.bytesWritten - this.#sentBefore,
      duration: Date.now() - this.#startedAt,
      version: entry.selection.version,
      by: entry.selection.by,
      worker: exchange.worker,
      retries: exchange.retries,
    })
  }
}
