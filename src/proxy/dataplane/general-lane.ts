import { type IncomingMessage, Server, type ServerOptions, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { DataplaneSettings } from '../messages.ts'
import { composeAnswer, toMessage } from './answer.ts'
import type { Carrier } from './carrier.ts'
import { ClientConnection } from './client-connection.ts'
import { type ClientError, codeOfClientError } from './client-error.ts'
import { drainConnections } from './drain-connections.ts'
import { Exchange } from './exchange.ts'
import type { Turn } from './fast/turn.ts'
import type { Lane, LaneContext } from './lane.ts'
import { Refusal } from './refusal.ts'
import { newRequestId } from './request-id.ts'
import { ignoreEnd, noticeEnd } from './splice.ts'
import { asPlainRequest, upgradeProtocol } from './upgrade.ts'

/** How long a connection that was refused may take to go away by itself. */
const lingerMs = 500

/** The clock ticks this often, or more often where a time limit is short. */
const tickMs = 250
const shortestTickMs = 10

/** Options of Node lines newer than the oldest we support; older ones ignore them. */
interface NewerServerOptions {
  /** Since 22.21 and 24.9; they also read the body of a request that wants an upgrade before they let go of the connection. */
  shouldUpgradeCallback(req: IncomingMessage): boolean
}

/** As `node:http` says it. */
class SlowHead extends Error {
  readonly code = 'ERR_HTTP_REQUEST_TIMEOUT'
}

/** Carries whatever is HTTP/1: `node:http` on the client's side, a `Carrier` on the worker's. */
export class GeneralLane implements Lane {
  readonly #context: LaneContext
  readonly #carrier: Carrier
  readonly #turn: Turn
  /** Never listens itself: it is given the connections that a listener, or another lane, has accepted. */
  readonly #server: Server
  readonly #connections = new Map<Duplex, ClientConnection>()
  readonly #refused = new WeakSet<Duplex>()
  /** How often the server looks for heads that take too long, in milliseconds. */
  readonly #checkInterval: number
  #clock: NodeJS.Timeout | null = null
  #isDraining = false

  constructor(context: LaneContext, carrier: Carrier, turn: Turn) {
    this.#context = context
    this.#carrier = carrier
    this.#turn = turn
    const { headTimeout } = context.settings()
    this.#checkInterval = Math.max(20, Math.min(1_000, Math.round(headTimeout / 4)))
    const options: ServerOptions & NewerServerOptions = {
      requestTimeout: 0, // an upload may take as long as it takes
      keepAliveTimeout: 0, // a matter of our clock
      connectionsCheckingInterval: this.#checkInterval,
      requireHostHeader: false, // checked by us, for a better answer
      insecureHTTPParser: false, // whatever NODE_OPTIONS say for the sake of some worker
      shouldUpgradeCallback: (req) => upgradeProtocol(req) !== null,
    }
    this.#server = new Server(options)
    this.#server.maxHeadersCount = 0
    this.configure(context.settings())
    this.#server.on('request', (req, res) => this.#onRequest(req, res))
    this.#server.on('checkContinue', (req, res) => this.#onRequest(req, res))
    this.#server.on('checkExpectation', (req, res) => this.#onRequest(req, res))
    this.#server.on('upgrade', (req, socket, head) => {
      this.#afterEarlier(req, socket as Socket, () => this.#onUpgrade(req, socket as Socket, head))
    })
    this.#server.on('connect', (req, socket, head) => {
      this.#afterEarlier(req, socket as Socket, () => this.#onDetached(req, socket as Socket, head, null))
    })
    this.#server.on('clientError', (error, socket) => this.#onClientError(error, socket))
    // What a server does when it begins to listen is to start the clock that cuts off slow heads.
    this.#server.emit('listening')
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  configure(settings: DataplaneSettings): void {
    const { headTimeout, maxHeaderSize } = settings
    // The limit is met at the latest, not at the earliest.
    this.#server.headersTimeout = Math.max(headTimeout / 2, headTimeout - this.#checkInterval)
    this.#startClock(settings)
    // An option of the constructor, which the server keeps here and reads for each connection.
    Object.assign(this.#server, { maxHeaderSize })
  }

  accept(socket: Socket, since?: number): void {
    const connection = new ClientConnection(socket)
    this.#connections.set(socket, connection)
    socket.once('close', () => this.#connections.delete(socket))
    socket.destroySoon = endAndLinger
    this.#server.emit('connection', socket)
    if (since !== undefined) this.#limitFirstHead(connection, since)
  }

  async drain(deadline: number): Promise<void> {
    this.#isDraining = true
    await drainConnections(this.#connections, deadline)
    this.#server.close(() => {}) // stops its clock
    if (this.#clock !== null) clearInterval(this.#clock)
  }

  /**
   * One clock for the time limits of all connections, on both sides: timeouts that `node:http` sets and clears for each request cost
   * 7 % of its CPU time.
   */
  #startClock({ sendTimeout, keepAliveTimeout, answerTimeout, connectTimeout }: DataplaneSettings): void {
    if (this.#clock !== null) clearInterval(this.#clock)
    const limits = [sendTimeout, keepAliveTimeout, answerTimeout, connectTimeout].filter((limit) => limit > 0)
    const tick = (): void => {
      const now = Date.now()
      const { sendTimeout, keepAliveTimeout, connectTimeout } = this.#context.settings()
      for (const connection of this.#connections.values()) {
        const isStalled = connection.check(now, sendTimeout, keepAliveTimeout)
        if (isStalled) this.#context.refusals.count('CLIENT_STALLED', connection.peer.address)
      }
      this.#carrier.check(now, connectTimeout)
    }
    this.#clock = setInterval(
      tick,
      Math.max(shortestTickMs, Math.min(tickMs, ...limits.map((limit) => limit / 8))),
    ).unref()
  }

  /** The server's own clock does not know how long the head has been on its way already. */
  #limitFirstHead({ socket }: ClientConnection, since: number): void {
    const left = since + this.#context.settings().headTimeout - Date.now()
    const timer = setTimeout(
      () => {
        if (this.#connections.get(socket)?.hasBegun === false) this.#onClientError(new SlowHead(), socket)
      },
      Math.max(0, left),
    )
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
  }

  #onRequest(req: IncomingMessage, res: ServerResponse): void {
    this.#add(req, res, null)
  }

  /** The server lets go of a connection while the answers to earlier requests on it are still under way: they come first. */
  #afterEarlier(req: IncomingMessage, socket: Socket, go: () => void): void {
    socket.on('error', () => {}) // 'close' follows
    noticeEnd(socket)
    this.#connections.get(req.socket)?.whenIdle(() => {
      if (socket.writable) go()
    })
  }

  #onUpgrade(req: IncomingMessage, socket: Socket, head: Buffer): void {
    const protocol = upgradeProtocol(req)
    if (protocol !== null) {
      this.#onDetached(req, socket, head, protocol)
      return
    }
    // Not a change of protocol that we would pass on. Node lines that do not know `shouldUpgradeCallback` have read the head
    // only, so the server is given it once more, as that of a request like any other.
    ignoreEnd(socket)
    socket.unshift(Buffer.concat([asPlainRequest(req), head]))
    this.#server.emit('connection', socket)
  }

  /** A request after whose head the server has let go of the connection. */
  #onDetached(req: IncomingMessage, socket: Socket, head: Buffer, protocol: string | null): void {
    const res = new ServerResponse(req)
    res.shouldKeepAlive = false
    res.assignSocket(socket)
    res.once('finish', () => {
      res.detachSocket(socket)
      res.emit('close')
      socket.end()
      setTimeout(() => socket.destroy(), lingerMs).unref()
    })
    this.#add(req, res, protocol === null ? null : { protocol, head })
  }

  #add(req: IncomingMessage, res: ServerResponse, upgrade: { protocol: string; head: Buffer } | null): void {
    const connection = this.#connections.get(req.socket)
    if (connection === undefined) return
    // Node loses what a client sends right behind such a request (seen in 22.23, 24.21 and 26.10).
    const isDeclined = upgrade === null && req.headers.upgrade !== undefined
    connection.add(
      new Exchange({
        req,
        res,
        upgrade,
        peer: connection.peer,
        forwarding: connection.forwarding,
        context: this.#context,
        carrier: this.#carrier,
        turn: this.#turn,
        isLast: () => this.#isDraining || isDeclined,
        onEnd: () => connection.next(),
      }),
    )
  }

  #onClientError(error: ClientError, socket: Duplex): void {
    const connection = this.#connections.get(socket)
    const code = codeOfClientError(error)
    if (connection !== undefined && code !== null && socket.writableEnded) return // it lingers, and is closed in a moment
    if (connection === undefined || code === null || !socket.writable) {
      socket.destroy()
      return
    }
    if (this.#refused.has(socket)) return
    this.#refused.add(socket)
    connection.break(() => this.#refuse(connection.socket, code))
  }

  #refuse(socket: Socket, code: Refusal['code']): void {
    // A connection that was opened ahead of need and never used is closed without a word.
    if (code === 'REQUEST_TIMEOUT' && socket.bytesRead === 0) {
      socket.destroy()
      return
    }
    if (!socket.writable) return
    this.#context.refusals.count(code)
    const answer = composeAnswer(new Refusal(code), { requestId: newRequestId(), prefersHtml: false })
    socket.end(toMessage(answer))
    setTimeout(() => socket.destroy(), lingerMs).unref()
  }
}

/**
 * What `node:http` does after a last answer. A connection that is closed while the client still sends is reset, and the client may lose the
 * answer: so we end our side, and read on for a moment (RFC 9112 9.6).
 */
function endAndLinger(this: Socket): void {
  this.end(() => {
    const timer = setTimeout(() => this.destroy(), lingerMs)
    timer.unref()
    this.once('close', () => clearTimeout(timer))
  })
}
