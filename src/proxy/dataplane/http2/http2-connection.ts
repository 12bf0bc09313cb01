import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { DrainedConnection } from '../drain-connections.ts'
import type { Turn } from '../fast/turn.ts'
import type { WorkerConnections } from '../fast/worker-connections.ts'
import type { LaneContext } from '../lane.ts'
import { type Peer, peerOf } from '../peer.ts'
import { Allowance } from './allowance.ts'
import { ClientStream, type StreamOwner } from './client-stream.ts'
import { limits } from './limits.ts'
import { StreamList } from './stream-list.ts'
import { WorkerHeads } from './worker-head.ts'

/** What a header field costs at most besides its text; a rough measure, in the client's favour. */
const fieldOverhead = 4
const headOverhead = 64

/** Why a connection was ended. */
export type Misconduct = 'HTTP2_BROKEN' | 'HTTP2_FLOOD' | 'HTTP2_RAPID_RESET' | 'HTTP2_STALLED' | 'REQUEST_TIMEOUT'

export interface Http2ConnectionOptions {
  readonly context: LaneContext
  readonly workers: WorkerConnections
  readonly turn: Turn
  onMisconduct(kind: Misconduct, peer: Peer): void
  onClosed(): void
}

/** A client's connection that speaks HTTP/2: its streams, its limits and its end. */
export class Http2Connection implements StreamOwner, DrainedConnection {
  readonly peer: Peer
  readonly heads: WorkerHeads
  readonly #options: Http2ConnectionOptions
  readonly #socket: Socket
  readonly #session: ServerHttp2Session
  readonly #streams = new StreamList<ClientStream>()
  readonly #resets = new Allowance(limits.resets.burst, limits.resets.perSecond)
  readonly #control = new Allowance(limits.control.burst, limits.control.perSecond)
  readonly #overhead = new Allowance(limits.overhead.burst, limits.overhead.perSecond)
  /** Bytes of header sections and bodies. */
  #usefulBytes = 0
  #overheadSeen = 0
  #usedAt = Date.now()
  #hasServed = false
  #hasWideWindow = false
  /** Up to here, header sections have come whole. */
  #lastStreamId = 0
  #bytesSeen = 0
  /** When a header section began to come that is not whole, in milliseconds since the epoch; 0: there is none. */
  #headSince = 0
  /** Bytes that had come when something was last heard, when that was, and when a PING was sent because of it (0: none). */
  #heard = 0
  #heardAt = 0
  #askedAt = 0
  #hasMisbehaved = false

  constructor(socket: Socket, options: Http2ConnectionOptions) {
    this.#options = options
    this.#socket = socket
    this.peer = peerOf(socket)
    this.heads = new WorkerHeads(this.peer)
    socket.allowHalfOpen = false // whoever ends a connection has left it: HTTP/2 knows no half of one
    const session = performServerHandshake(socket, {
      settings: {
        maxConcurrentStreams: limits.concurrentStreams,
        initialWindowSize: limits.streamWindow,
        maxHeaderListSize: options.context.settings().maxHeaderSize,
      },
      maxHeaderListPairs: limits.headerListPairs,
      maxSessionMemory: limits.sessionMemory,
      maxSessionInvalidFrames: limits.invalidFrames,
      maxSessionRejectedStreams: limits.rejectedStreams,
    })
    this.#session = session
    session.on('stream', this.#onStream)
    session.on('ping', this.#onControlFrame)
    session.on('remoteSettings', this.#onControlFrame)
    session.on('error', this.#onError)
    session.on('close', () => options.onClosed())
  }

  get context(): LaneContext {
    return this.#options.context
  }

  get turn(): Turn {
    return this.#options.turn
  }

  get workers(): WorkerConnections {
    return this.#options.workers
  }

  get isIdle(): boolean {
    return this.#streams.size === 0
  }

  get usedAt(): number {
    return this.#usedAt
  }

  destroy(): void {
    this.#session.destroy()
  }

  /**
   * Names the last stream that is carried (RFC 9113 6.8); what the client has sent beyond it, it may send again elsewhere. In one
   * step: after a first notice, the library would leave new streams unanswered without a word.
   */
  startDrain(): void {
    if (!this.#session.destroyed) this.#session.close()
  }

  /** Looks at the time: to be called now and then. */
  check(now: number): void {
    const { headTimeout, keepAliveTimeout, sendTimeout } = this.context.settings()
    if (this.#session.destroyed) return
    for (const stream of this.#streams.all()) {
      if (!stream.check(now, sendTimeout)) continue
      this.#options.onMisconduct('HTTP2_STALLED', this.peer)
      stream.end(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    }
    if (!this.#overhead.take(this.#newOverhead(), now)) this.#cut('HTTP2_FLOOD')
    else if (this.#isDead(now, sendTimeout)) this.#cut('HTTP2_STALLED')
    else if (this.#isHeadLate(now, headTimeout)) this.#cut('REQUEST_TIMEOUT')
    else if (this.isIdle && now - this.#usedAt >= (this.#hasServed ? keepAliveTimeout : headTimeout)) {
      if (this.#headSince > 0) this.#cut('REQUEST_TIMEOUT')
      else this.#session.close()
    }
  }

  onStreamEnd(stream: ClientStream, wasReset: boolean): void {
    this.#streams.delete(stream)
    this.#usefulBytes += stream.usefulBytes
    this.#usedAt = Date.now()
    if (wasReset) this.#countReset()
  }

  readonly #onStream = (
    stream: ServerHttp2Stream,
    _headers: unknown,
    flags: number,
    lines: readonly string[] = [],
  ): void => {
    this.#lastStreamId = stream.id ?? this.#lastStreamId
    this.#headSince = 0
    this.#hasServed = true
    this.#usedAt = Date.now()
    for (const text of lines) this.#usefulBytes += text.length + fieldOverhead
    this.#usefulBytes += headOverhead
    // Reset in the same breath: nobody is bothered with it.
    if (stream.destroyed || stream.closed) {
      stream.on('error', () => {})
      this.#countReset()
      return
    }
    const isWhole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    // A client that never uploads need not hear of it.
    if (!isWhole && !this.#hasWideWindow) this.#session.setLocalWindowSize(limits.connectionWindow)
    this.#hasWideWindow ||= !isWhole
    this.#streams.add(new ClientStream(stream, lines, isWhole, this))
  }

  readonly #onControlFrame = (): void => {
    if (!this.#control.take(1, Date.now())) this.#cut('HTTP2_FLOOD')
  }

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    if (this.#hasMisbehaved || error.code?.startsWith('ERR_HTTP2') !== true) return
    this.#hasMisbehaved = true
    // What the library counts itself: empty and invalid frames, CONTINUATION, answers to PING that nobody takes.
    const isFlood = /too.many|flood/i.test(`${error.code} ${error.message}`)
    this.#options.onMisconduct(isFlood ? 'HTTP2_FLOOD' : 'HTTP2_BROKEN', this.peer)
  }

  #countReset(): void {
    if (this.#session.destroyed || this.#socket.destroyed) return
    if (!this.#resets.take(1, Date.now())) this.#cut('HTTP2_RAPID_RESET')
  }

  #cut(kind: Misconduct): void {
    if (this.#session.destroyed) return
    this.#hasMisbehaved = true
    this.#options.onMisconduct(kind, this.peer)
    this.#session.destroy(new Error(kind), constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }

  /** Bytes since the last time that served nothing. */
  #newOverhead(): number {
    let useful = this.#usefulBytes
    for (const stream of this.#streams.all()) {
      useful += stream.usefulBytes
      // A body that is under way may be here and not read yet.
      if (!stream.isReceived) useful += limits.streamWindow
    }
    const overhead = this.#socket.bytesRead - useful * 1.25
    const more = Math.max(0, overhead - this.#overheadSeen)
    this.#overheadSeen += more
    return more
  }

  /**
   * On Node 20, the library says nothing of a connection that it has given up itself, after DATA on no stream, say: it reads no
   * more, and does not even see the client leave. So a client of whom nothing is heard while it waits for us is asked.
   */
  #isDead(now: number, limit: number): boolean {
    const { bytesRead } = this.#socket
    if (this.isIdle || limit === 0 || bytesRead !== this.#heard) {
      this.#heard = bytesRead
      this.#heardAt = now
      this.#askedAt = 0
    } else if (this.#askedAt > 0) return now - this.#askedAt >= limit
    else if (now - this.#heardAt >= limit) {
      this.#askedAt = now
      this.#session.ping(() => {})
    }
    return false
  }

  /**
   * The library tells of a header section when it is whole, but it knows of one that has begun. It says nothing of one that it
   * has rejected, so the client is asked: nobody can answer a PING in the middle of a header section (RFC 9113 6.10).
   */
  #isHeadLate(now: number, headTimeout: number): boolean {
    const { bytesRead } = this.#socket
    if (bytesRead === this.#bytesSeen && this.#headSince === 0) return false // `state` is dear, and most are idle
    this.#bytesSeen = bytesRead
    const { lastProcStreamID = 0 } = this.#session.state
    if (lastProcStreamID <= this.#lastStreamId) this.#headSince = 0
    else if (this.#headSince === 0) {
      this.#headSince = now
      this.#session.ping((error) => {
        if (error !== null) return
        this.#lastStreamId = Math.max(this.#lastStreamId, lastProcStreamID)
        this.#headSince = 0
      })
    }
    return this.#headSince > 0 && now - this.#headSince >= headTimeout
  }
}
