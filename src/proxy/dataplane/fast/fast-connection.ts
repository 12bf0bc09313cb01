import type { Socket } from 'node:net'
import { composeAnswer, toMessage } from '../answer.ts'
import type { LaneContext } from '../lane.ts'
import { type Peer, peerOf } from '../peer.ts'
import { Refusal } from '../refusal.ts'
import { resetSocket } from '../relay-answer.ts'
import { newRequestId } from '../request-id.ts'
import { SendLimit } from '../send-limit.ts'
import { accessLine } from './access-line.ts'
import type { ClientSide } from './client-side.ts'
import { FastExchange } from './fast-exchange.ts'
import { ForwardingLines } from './forwarding-lines.ts'
import { LentReads } from './lent-reads.ts'
import { MessageOutlet } from './message-outlet.ts'
import type { ReadMemory } from './read-memory.ts'
import { readRequest } from './read-request.ts'
import { type RequestHead, scanRequestHead } from './scan-request-head.ts'
import type { Turn } from './turn.ts'
import { Unread } from './unread.ts'
import type { WorkerConnections } from './worker-connections.ts'

/** How much is kept of what a client sends ahead of its turn before we stop reading. */
const readAheadLimit = 64 * 1024
/** A head that comes in more pieces than this is for the general lane. */
const pieceLimit = 8
/** How long a client whose connection we have ended may take to go away by itself. */
const lingerMs = 1_000

/** The lane that a connection is in: one for all, so that a connection costs as little memory as it can. */
export interface FastConnectionOwner {
  readonly context: LaneContext
  readonly workers: WorkerConnections
  readonly turn: Turn
  readonly isDraining: boolean
  /**
   * The next request is not for the fast lane; its bytes are in the connection's socket again.
   * @param since when it began to come, in milliseconds since the epoch
   */
  onDeclined(connection: FastConnection, since: number): void
  onClosed(connection: FastConnection): void
}

/**
 * A client's connection in the fast lane. It waits for a head (`head`), carries one exchange at a time (`exchange`), and after
 * the last one waits until the client has gone (`closing`); or it is given to the general lane (`left`).
 */
export class FastConnection implements ClientSide {
  readonly outlet: MessageOutlet
  readonly #lane: FastConnectionOwner
  readonly #reads: LentReads
  /** The client's. */
  readonly socket: Socket
  readonly #peer: Peer
  readonly #forwarding: ForwardingLines
  readonly #sendLimit: SendLimit
  #state: 'head' | 'exchange' | 'closing' | 'left' = 'head'
  /** When this state, or the head that is coming, began, in milliseconds since the epoch. */
  #since = Date.now()
  /** When the last piece of a head came, in milliseconds since the epoch. */
  #pieceAt = 0
  readonly #unread = new Unread()
  #pieces = 0
  #exchange: FastExchange | null = null
  #closesAfter = false
  #startedAt = 0
  /** For the access log. */
  #client = ''
  #sentBefore = 0
  #hasServed = false

  constructor(accepted: Socket, lane: FastConnectionOwner) {
    this.#lane = lane
    this.#reads = new LentReads(accepted, (bytes, length, memory) => this.#receive(bytes, length, memory))
    const { socket } = this.#reads
    this.socket = socket
    this.#peer = peerOf(socket)
    this.#forwarding = new ForwardingLines(this.#peer)
    this.#sendLimit = new SendLimit(socket)
    this.outlet = new MessageOutlet(socket, lane.turn, this.#onDrain)
    socket.on('end', this.#onClientEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  /** Whether nothing is under way on it, not even the rest of an answer that the client has not taken yet. */
  get isIdle(): boolean {
    return this.#state === 'head' && this.outlet.isEmpty
  }

  /** When it was last used, in milliseconds since the epoch. */
  get usedAt(): number {
    return Math.max(this.#since, this.#pieceAt)
  }

  destroy(): void {
    this.socket.destroy()
  }

  isLast(): boolean {
    return this.#closesAfter || this.#lane.isDraining
  }

  offerBody(): void {
    const exchange = this.#exchange
    const unread = this.#unread
    const { bytes } = unread
    if (exchange === null || bytes === null) return
    unread.clear()
    const taken = exchange.takeBody(bytes, 0, bytes.length, unread.memory)
    if (this.#exchange !== exchange && this.#state !== 'head') return
    unread.keep(bytes, taken)
    this.#readHead() // that may have been the last the exchange needed
    this.#limitReadAhead()
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    if (this.#state !== 'left' && this.socket.isPaused()) this.socket.resume()
  }

  onEnd(closes: boolean): void {
    this.#account()
    if (closes) this.#close()
    else {
      this.#state = 'head'
      this.#since = this.#lane.turn.now
      this.#hasServed = true
      this.resume()
      this.#readHead()
      this.#limitReadAhead()
    }
  }

  onBroken(): void {
    this.#account()
    this.outlet.write()
    resetSocket(this.socket)
  }

  /** Looks at the time: to be called now and then. @param next when it is called again */
  check(now: number, next = now): void {
    const { headTimeout, keepAliveTimeout, sendTimeout } = this.#lane.context.settings()
    if (this.#sendLimit.isExceeded(now, sendTimeout)) {
      this.#lane.context.refusals.count('CLIENT_STALLED', this.#peer.address)
      resetSocket(this.socket)
      return
    }
    const waited = now - this.#since
    if (this.#state === 'exchange') this.#exchange?.check(now)
    else if (this.#state === 'head' && !this.outlet.isEmpty)
      this.#since = now // it is busy reading
    else if (this.#state === 'closing') {
      if (!this.socket.writableFinished) this.#since = now
      else if (waited >= lingerMs) this.socket.destroy()
    } else if (!this.#unread.isEmpty) {
      // The limit is met at the latest, not at the earliest.
      if (next - this.#since > headTimeout) this.#refuse(new Refusal('REQUEST_TIMEOUT'))
    } else if (waited >= (this.#hasServed ? keepAliveTimeout : headTimeout)) this.socket.destroy()
  }

  readonly #onClientEnd = (): void => {
    // Whoever ends its side is taken to have left, as `node:http` does.
    this.#abort()
    if (this.#state === 'head' && !this.#unread.isEmpty) this.#refuse(new Refusal('BAD_REQUEST'))
    else {
      this.outlet.write()
      this.socket.end()
    }
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
    this.#unread.clear()
    this.#lane.onClosed(this)
  }

  #receive(bytes: Buffer, length: number, memory: ReadMemory | null): void {
    if (this.#state === 'closing') return
    const isFirstPiece = this.#unread.isEmpty
    this.#unread.add(bytes, length, memory)
    if (this.#state === 'head') {
      if (isFirstPiece) this.#since = this.#lane.turn.now
      else this.#pieceAt = this.#lane.turn.now
      this.#pieces++
      this.#readHead()
    } else if (this.#exchange !== null && !this.#exchange.isReceived) this.offerBody()
    this.#unread.own()
    this.#limitReadAhead()
  }

  /** To be called whenever reading may have been resumed: else each answer would let more come than its request took away. */
  #limitReadAhead(): void {
    if (this.#state === 'exchange' && this.#unread.length >= readAheadLimit) this.pause()
  }

  #readHead(): void {
    for (let { bytes } = this.#unread; this.#state === 'head' && bytes !== null; { bytes } = this.#unread) {
      if (this.outlet.isBlocked) {
        // A client that reads no answers gets no more: they would fill our memory.
        this.pause()
        return
      }
      const { versionHeader, maxHeaderSize } = this.#lane.context.settings()
      const head = scanRequestHead(bytes, 0, bytes.length, versionHeader, maxHeaderSize)
      if (head === 'more' && this.#pieces < pieceLimit) return
      if (typeof head === 'string' || !this.#begin(bytes, head)) this.#decline()
    }
  }

  /** @returns false if the request is for the general lane after all */
  #begin(bytes: Buffer, head: RequestHead): boolean {
    const { context, workers, turn } = this.#lane
    const read = readRequest(context, this.#peer, this.#forwarding, bytes, head)
    if (read === null) return false
    this.#state = 'exchange'
    this.#pieces = 0
    this.#startedAt = turn.now
    this.#closesAfter = head.closes
    this.#client = read.client
    this.#sentBefore = this.outlet.bytesTaken
    this.#unread.keep(bytes, head.end)
    turn.enter()
    this.#exchange = new FastExchange(context, workers, this, read.request)
    this.#exchange.start()
    return true
  }

  #decline(): void {
    this.#unread.own()
    const { bytes } = this.#unread
    this.#state = 'left'
    this.#unread.clear()
    this.#release()
    this.outlet.write()
    if (bytes !== null) this.socket.unshift(bytes)
    this.#lane.onDeclined(this, this.#since)
    if (this.socket.isPaused()) this.socket.resume()
  }

  #release(): void {
    this.#reads.release()
    this.socket.off('end', this.#onClientEnd)
    this.outlet.release()
    this.socket.off('error', this.#onError)
    this.socket.off('close', this.#onClose)
  }

  #refuse(refusal: Refusal): void {
    this.#lane.context.refusals.count(refusal.code)
    const message = toMessage(composeAnswer(refusal, { requestId: newRequestId(), prefersHtml: false }))
    this.outlet.bytes(message, 0, message.length, null)
    this.outlet.flush()
    this.#close()
  }

  /** Says no more; reads on, so that the client gets to read what was said (RFC 9112 9.6). */
  #close(): void {
    this.#state = 'closing'
    this.#since = Date.now()
    this.#unread.clear()
    this.outlet.write()
    this.socket.end()
    if (this.socket.isPaused()) this.socket.resume()
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
    this.#lane.turn.leave()
    const { status, request } = exchange
    request.entry.ticket.leave(status)
    const bytes = this.outlet.bytesTaken - this.#sentBefore
    this.#lane.context.accessLog()?.add(accessLine(exchange, this.#client, this.#startedAt, bytes))
  }
}
