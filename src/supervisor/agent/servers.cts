import { type EventEmitter, errorMonitor } from 'node:events'
import type { Http2Session } from 'node:http2'
import net from 'node:net'
import { closeServer } from './close-server.cts'

/** How long a keep-alive connection must have been idle before a closing server ends it, in milliseconds. */
export interface CloseOptions {
  /**
   * 0 where nobody can be sending (a gateway has drained this worker). Else at least the time that clients were promised
   * (`Keep-Alive: timeout=5`): one that keeps to it has no request on its way when the connection is ended.
   */
  readonly idleGraceMs: number
}

/** Counters since the process was started. */
export interface NetStatistics {
  readonly requests: number
  readonly connections: number
  readonly connectionsOpen: number
}

/** Where a server listens: address and port, or (port 0) the path of a socket. */
export interface Place {
  readonly address: string
  readonly port: number
}

interface HttpRequest {
  readonly socket: net.Socket
  /** Whether its body has arrived. */
  readonly complete: boolean
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

interface HttpResponse {
  readonly req: HttpRequest
  headersSent: boolean
  shouldKeepAlive: boolean
  setHeader(name: string, value: string): unknown
  writeHead(...args: unknown[]): unknown
}

const listen = net.Server.prototype.listen

/**
 * Every server of this process that listens, without any change to its code: counts its requests and connections, and
 * closes it so that no request is lost.
 */
export class Servers {
  readonly #servers = new Set<net.Server>()
  /** The open connections of each server that was ever followed. */
  readonly #sockets = new WeakMap<net.Server, Set<net.Socket>>()
  /** The open sessions of servers of HTTP/2. */
  readonly #sessions = new Set<Http2Session>()
  /** To the request that came last on a connection; there may be several at once. */
  readonly #lastResponses = new WeakMap<net.Socket, HttpResponse>()
  readonly #pending = new Set<Promise<void>>()
  /** Where each server listens. */
  readonly #places = new Map<net.Server, Place>()
  readonly #onListening: (place: Place) => void
  readonly #onClosed: (place: Place) => void
  #requests = 0
  #connections = 0
  #isClosing = false

  /**
   * @param onListening called for each place where a server listens
   * @param onClosed called for each where one does no longer
   */
  constructor(onListening: (place: Place) => void, onClosed: (place: Place) => void = () => {}) {
    this.#onListening = onListening
    this.#onClosed = onClosed
  }

  /** From now on every server that begins to listen is followed. */
  follow(): void {
    const add = (server: net.Server) => this.add(server)
    net.Server.prototype.listen = function (this: net.Server, ...args: unknown[]): net.Server {
      add(this)
      return Reflect.apply(listen, this, args) as net.Server
    }
  }

  /** Follows a server that listens, or is about to. */
  add(server: net.Server): void {
    if (!this.#servers.has(server)) server.once('close', () => this.#forget(server))
    this.#servers.add(server)
    if (!this.#sockets.has(server)) this.#watchConnections(server)
    if (server.listening) this.#report(server)
    else this.#watchListening(server)
  }

  remove(server: net.Server): void {
    this.#servers.delete(server)
  }

  /** Whether a server has begun to listen and is not there yet. */
  get isListeningPending(): boolean {
    return this.#pending.size > 0
  }

  get hasServers(): boolean {
    return this.#servers.size > 0
  }

  /** Resolves when every server that has begun to listen does so, or has failed. */
  async whenListening(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending)
  }

  get statistics(): NetStatistics {
    const open = [...this.#servers].reduce((sum, server) => sum + this.#socketsOf(server).size, 0)
    return { requests: this.#requests, connections: this.#connections, connectionsOpen: open }
  }

  /**
   * Accepts nothing new, lets every request in flight end, announces `Connection: close`, and ends connections that have
   * been idle for a while. `http.Server#close` would cut all idle ones at once, on which a request may be on its way.
   * @returns a promise for the end of all connections, and one for the end of those of HTTP: a WebSocket may stay for ever
   */
  close({ idleGraceMs }: CloseOptions): { readonly closed: Promise<void>; readonly httpClosed: Promise<void> } {
    this.#isClosing = true
    const closing = [...this.#servers].map((server) => {
      const sockets = this.#socketsOf(server)
      for (const socket of sockets) {
        const res = this.#lastResponses.get(socket)
        if (res) this.#announceClose(res)
      }
      return closeServer(server, sockets, idleGraceMs)
    })
    const sessions = [...this.#sessions].map(endSession)
    return {
      closed: Promise.all(closing.map(({ closed }) => closed)).then(() => {}),
      httpClosed: Promise.all([...closing.map(({ httpClosed }) => httpClosed), ...sessions]).then(() => {}),
    }
  }

  #report(server: net.Server): void {
    const place = placeOf(server)
    this.#places.set(server, place)
    this.#onListening(place)
  }

  #forget(server: net.Server): void {
    this.#servers.delete(server)
    const place = this.#places.get(server)
    this.#places.delete(server)
    if (place) this.#onClosed(place)
  }

  #watchListening(server: net.Server): void {
    const listening = new Promise<void>((resolve) => {
      // Listening for 'error' itself would turn an error that nobody handles into a handled one.
      const outcomes: ReadonlyArray<string | symbol> = ['listening', 'close', errorMonitor]
      const emitter: EventEmitter = server
      const settle = () => {
        for (const event of outcomes) emitter.off(event, settle)
        this.#pending.delete(listening)
        if (server.listening) this.#report(server)
        resolve()
      }
      for (const event of outcomes) emitter.on(event, settle)
    })
    this.#pending.add(listening)
  }

  #socketsOf(server: net.Server): Set<net.Socket> {
    return this.#sockets.get(server) ?? new Set()
  }

  #watchConnections(server: net.Server): void {
    const sockets = new Set<net.Socket>()
    this.#sockets.set(server, sockets)
    const isTls = 'setSecureContext' in server
    server.prependListener(isTls ? 'secureConnection' : 'connection', (socket: net.Socket) => {
      this.#connections++
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    // A server of HTTP/2 behaves differently when somebody listens for 'request'.
    if ('updateSettings' in server) server.on('session', (session: Http2Session) => this.#addSession(session))
    else if ('keepAliveTimeout' in server) {
      server.prependListener('request', (req: HttpRequest, res: HttpResponse) => {
        this.#requests++
        this.#lastResponses.set(req.socket, res)
        if (this.#isClosing) this.#announceClose(res)
      })
    }
  }

  #addSession(session: Http2Session): void {
    this.#sessions.add(session)
    session.once('close', () => this.#sessions.delete(session))
    if (this.#isClosing) void endSession(session)
  }

  /**
   * The client learns from this answer that the connection ends after it, whatever the program says of it. Not from one that
   * others follow on the connection, nor from one before the end of its request, since what arrives on a connection that
   * was closed makes the system throw the answer away.
   */
  #announceClose(res: HttpResponse): void {
    if (res.headersSent) return
    const { writeHead } = res
    res.writeHead = (...args) => {
      if (this.#lastResponses.get(res.req.socket) !== res || isArriving(res.req)) {
        return Reflect.apply(writeHead, res, args)
      }
      res.shouldKeepAlive = false
      res.setHeader('connection', 'close')
      return Reflect.apply(writeHead, res, args.map(withoutConnection))
    }
  }
}

/** A listener that nobody counts, for asking the primary of a cluster something (see leave-cluster.cts). */
export function listenUnwatched(server: net.Server, options: net.ListenOptions, callback: () => void): void {
  Reflect.apply(listen, server, [options, callback])
}

function placeOf(server: net.Server): Place {
  const address = server.address()
  if (address === null) return { address: '', port: 0 }
  return typeof address === 'string' ? { address, port: 0 } : { address: address.address, port: address.port }
}

/** Whether more of its body is to come. One without a body does not count as complete before its handler has returned. */
function isArriving({ complete, headers }: HttpRequest): boolean {
  return !complete && ('transfer-encoding' in headers || Number(headers['content-length'] ?? 0) > 0)
}

/** No new requests from now on; resolves when those under way are answered. Says so to the client (GOAWAY). */
function endSession(session: Http2Session): Promise<void> {
  return new Promise((resolve) => {
    if (session.closed) return resolve()
    session.close(() => resolve())
  })
}

/** Headers as `writeHead` takes them: an object, or an array of names and values in turn. */
function withoutConnection(argument: unknown): unknown {
  if (typeof argument !== 'object' || argument === null) return argument
  if (!Array.isArray(argument)) {
    return Object.fromEntries(Object.entries(argument).filter(([name]) => name.toLowerCase() !== 'connection'))
  }
  if (argument.every(Array.isArray)) return argument.filter(([name]) => String(name).toLowerCase() !== 'connection')
  return argument.filter((_, index) => String(argument[index - (index % 2)]).toLowerCase() !== 'connection')
}
