import type { ClientRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Target } from '../routing/route-table.ts'
import type { Turn } from './fast/turn.ts'

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
  readonly #connecting = new Set<Connection>()
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
    if (kept === null) this.#giveNew(request)
    else if (this.#turn.gathers) this.#turn.add({ write: () => this.#giveLater(kept, request) })
    else this.#give(kept, request, true)
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

  /**
   * Closes what has been idle for its time, and gives up on what takes too long to connect: to be called now and then.
   * @param connectTimeout milliseconds; a worker that is stuck is left for another, since nothing was sent
   */
  sweep(now: number, connectTimeout: number): void {
    for (const { socket, since } of this.#connecting) {
      if (now - since >= connectTimeout) socket.destroy(new Error(`no connection within ${connectTimeout} ms`))
    }
    // The oldest are in front.
    while (this.#idle[0] !== undefined && now - this.#idle[0].since >= idleMs) this.#idle.shift()?.socket.destroy()
  }

  #takeIdle(): Connection | null {
    for (let kept = this.#idle.pop(); kept !== undefined; kept = this.#idle.pop()) {
      if (kept.isUsable && Date.now() - kept.since < idleMs) return kept
      kept.socket.destroy()
    }
    return null
  }

  /** At the end of the turn, in which the worker may have closed the connection, or said something that is no answer. */
  #giveLater(kept: Connection, request: AgentRequest): void {
    const connection = kept.isUsable ? kept : this.#takeIdle()
    if (connection !== kept) kept.socket.destroy()
    if (connection === null) this.#giveNew(request)
    else this.#give(connection, request, true)
  }

  #giveNew(request: AgentRequest): void {
    this.#give(this.#connect(), request, false)
  }

  #give(connection: Connection, request: AgentRequest, isReused: boolean): void {
    connection.request = request
    request.reusedSocket = isReused
    request.onSocket(connection.socket)
  }

  #connect(): Connection {
    const { host, port } = this.#target
    const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: probeMs })
    const connection = new Connection(socket)
    this.#all.add(connection)
    this.#connecting.add(connection)
    socket.on('error', () => {}) // 'close' follows; the request listens for itself
    socket.on('connect', () => {
      this.#connecting.delete(connection)
      connected.add(socket)
    })
    socket.on('close', () => {
      this.#connecting.delete(connection)
      this.#all.delete(connection)
    })
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

const connected = new WeakSet<Socket>()

/** Whether there was a connection, so that something may have been sent on it. */
export function wasConnected(socket: Socket | null): boolean {
  return socket !== null && connected.has(socket)
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

class Connection {
  readonly socket: Socket
  request: ClientRequest | null = null
  /** Since when it has been idle, or being opened, in milliseconds since the epoch. */
  since = Date.now()
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

  rest(): void {
    this.request = null
    this.since = Date.now()
    this.#bytesRead = this.socket.bytesRead
  }
}
