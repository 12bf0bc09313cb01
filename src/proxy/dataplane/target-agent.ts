import type { ClientRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Target } from '../routing/route-table.ts'
import type { Turn, Writer } from './fast/turn.ts'

/**
 * How long a connection to a worker is kept unused. Short, so that a request which must not be sent twice never meets one
 * that the worker is closing just then; connecting anew on the same machine costs next to nothing.
 */
const idleMs = 1_000
/** How many unused ones are kept. */
const idleLimit = 256
/** After so many milliseconds of silence the system asks whether the worker is still there. */
const probeMs = 1_000

/** What an agent needs of `node:http`'s request: how it is given its connection. */
type AgentRequest = ClientRequest & { onSocket(socket: Socket): void }

/**
 * The kept-alive connections to one target: what `http.request` calls an "Agent-like Object". `http.Agent` does the same for any
 * number of hosts; for each request it copies all options twice, into objects that V8 keeps as dictionaries, and makes a name of
 * them three times: 11 % of a request's CPU time in this lane, where it was profiled.
 */
export class TargetAgent {
  // What `http.request` reads of an agent.
  readonly protocol = 'http:'
  readonly defaultPort = 80
  readonly keepAlive = true

  readonly #target: Target
  readonly #turn: Turn
  readonly #all = new Set<Connection>()
  /** The one that was used last is at the end, and is used first. */
  readonly #idle: Connection[] = []
  #isRetired = false

  constructor(target: Target, turn: Turn) {
    this.#target = target
    this.#turn = turn
  }

  /** Called by `http.request`: gives the request a connection. */
  addRequest(request: AgentRequest): void {
    const kept = this.#takeIdle()
    request.reusedSocket = kept !== null
    const connection = kept ?? this.#connect()
    connection.request = request
    if (kept !== null && this.#turn.gathers) {
      connection.socket.cork()
      this.#turn.add(connection)
    }
    request.onSocket(connection.socket)
  }

  /** Closes what is idle now, and keeps nothing from now on. */
  retire(): void {
    this.#isRetired = true
    for (const connection of this.#idle.splice(0)) connection.socket.destroy()
  }

  /** Closes all of them. */
  destroy(): void {
    this.retire()
    for (const { socket } of this.#all) socket.destroy()
  }

  /** Closes what has been idle for its time: to be called now and then. */
  sweep(now: number): void {
    // The oldest are in front.
    while (this.#idle[0] !== undefined && now - this.#idle[0].idleSince >= idleMs) this.#idle.shift()?.socket.destroy()
  }

  #takeIdle(): Connection | null {
    for (let kept = this.#idle.pop(); kept !== undefined; kept = this.#idle.pop()) {
      if (kept.isUsable && Date.now() - kept.idleSince < idleMs) return kept
      kept.socket.destroy()
    }
    return null
  }

  #connect(): Connection {
    const { host, port } = this.#target
    const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: probeMs })
    const connection = new Connection(socket)
    this.#all.add(connection)
    socket.on('error', () => {}) // 'close' follows; the request listens for itself
    socket.on('close', () => this.#all.delete(connection))
    // The two by which `node:http` tells an agent that a request is done with its connection, and that it never will be.
    socket.on('free', () => this.#onFree(connection))
    socket.on('agentRemove', () => this.#all.delete(connection))
    return connection
  }

  #onFree(connection: Connection): void {
    if (this.#isRetired || this.#idle.length >= idleLimit || !connection.mayBeKept) {
      connection.socket.destroy()
      return
    }
    connection.rest()
    this.#idle.push(connection)
  }
}

/** Connections that are not to be used again, whatever their request says. */
const distrusted = new WeakSet<Socket>()

/** Has the connection closed once its request is over. */
export function distrust(socket: Socket): void {
  distrusted.add(socket)
}

/** Whether a worker says that it keeps the connection for hardly longer than we do (`Keep-Alive: timeout=1`). */
export function closesSoon(rawHeaders: readonly string[]): boolean {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.length !== 10 || rawHeaders[index]?.toLowerCase() !== 'keep-alive') continue
    const seconds = /(?:^|[\s,;])timeout=(\d{1,9})/i.exec(rawHeaders[index + 1] ?? '')?.[1]
    if (seconds !== undefined && Number(seconds) * 1_000 <= idleMs) return true
  }
  return false
}

class Connection implements Writer {
  readonly socket: Socket
  request: ClientRequest | null = null
  /** In milliseconds since the epoch. */
  idleSince = 0
  /** What had come on it when it became idle. */
  #bytesRead = 0

  constructor(socket: Socket) {
    this.socket = socket
  }

  /** Whether its request left it as it should be. */
  get mayBeKept(): boolean {
    const { request, socket } = this
    if (request === null || !socket.writable || distrusted.has(socket)) return false
    return request.shouldKeepAlive && request.writableFinished
  }

  /** Whether it is still open, and nothing has come on it since: that would pass for the answer to the next request. */
  get isUsable(): boolean {
    return this.socket.writable && this.socket.bytesRead === this.#bytesRead
  }

  /** At the end of the turn. */
  write(): void {
    this.socket.uncork()
  }

  rest(): void {
    this.request = null
    this.idleSince = Date.now()
    this.#bytesRead = this.socket.bytesRead
  }
}
