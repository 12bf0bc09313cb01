import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import type { FromProcess, ToProcess, Ward } from './channel-protocol.ts' with { 'resolution-mode': 'import' }
import { JsonLines, toJsonLine } from './json-lines.cts'

/**
 * The environment variable by which a child finds its channel: `<path of the socket>#<id of the worker>`, or
 * `fd:<descriptor>#<id>` for a connection that it inherits. Whoever reads it removes it, so that grandchildren do not take
 * themselves for workers.
 */
export const channelVariable = 'CSERVICE_CHANNEL'
/** The same for a warm spare (src/supervisor/spares), which is no worker yet: the agent in it must not start. */
export const spareVariable = 'CSERVICE_SPARE'
/** How long a process goes on serving without a supervisor before it ends by itself, in milliseconds. */
export const absenceLimitMs = 10_000
const reconnectMs = 100
/** How long wards may take to end by themselves, and again after SIGTERM. */
const wardGraceMs = 1_500

interface ChannelEvents {
  message: [ToProcess]
  /** The supervisor is gone; the process goes on, and the client tries to reach it again. */
  lost: []
  restored: []
  /** No supervisor for `absenceLimitMs`, or another one has come in its place: finish, wait for the promise (wards are being ended), and exit. */
  abandoned: [wardsEnded: Promise<void>]
}

/**
 * A process's end of the channel to its supervisor. Connects at once, says hello, and connects again whenever the
 * connection breaks; gives up when no supervisor has answered for `absenceLimitMs`. Never keeps its process alive by itself.
 */
export class ChannelClient extends EventEmitter<ChannelEvents> {
  readonly id: string
  readonly #path: string
  /** The inherited descriptor, where there is no path; it cannot be connected again. */
  readonly #descriptor: number | null
  #socket: net.Socket | null = null
  #isConnected = false
  #state: 'starting' | 'ready' | 'stopping' = 'starting'
  #facts = new Map<string, FromProcess>()
  #pending: FromProcess[] = []
  #lostAt: number | null = null
  #wards: readonly Ward[] = []
  #retry: NodeJS.Timeout | null = null
  #isClosed = false

  /** The client that the environment of this process names, or null; the name is removed, so that children do not inherit it. */
  static fromEnvironment(variable: string = channelVariable): ChannelClient | null {
    const address = process.env[variable]
    delete process.env[variable]
    const hash = address?.lastIndexOf('#') ?? -1
    if (address === undefined || hash === -1) return null
    return new ChannelClient(address.slice(0, hash), address.slice(hash + 1))
  }

  constructor(path: string, id: string) {
    super()
    this.#path = path
    this.#descriptor = path.startsWith('fd:') ? Number(path.slice('fd:'.length)) : null
    this.id = id
    this.#connect()
  }

  /**
   * Sends, or keeps for the next connection. What a new supervisor must know to take this process over (`listening`,
   * `loaded`, `wait`, `ready`, a message that is a fact) is remembered and said again after each reconnect.
   */
  send(message: FromProcess): void {
    if (message.type === 'ready') this.#state = 'ready'
    if (message.type === 'closed') this.#facts.delete(placeName(message))
    if (isFact(message)) {
      this.#facts.set(factName(message), message)
      if (this.#isConnected) this.#write(message)
      return
    }
    if (this.#isConnected) this.#write(message)
    // Metrics are worth nothing later; and a supervisor that stays away must not fill our memory.
    else if (message.type !== 'metrics' && this.#pending.length < 10_000) this.#pending.push(message)
  }

  /** Of the socket. */
  get path(): string {
    return this.#path
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  /** Bytes that wait for a supervisor that does not read. */
  get backlog(): number {
    return this.#socket?.writableLength ?? 0
  }

  /** Said in the next hello, so that a supervisor that comes back does not count on this process. */
  markStopping(): void {
    this.#state = 'stopping'
  }

  close(): void {
    this.#isClosed = true
    this.#isConnected = false
    if (this.#retry) clearTimeout(this.#retry)
    this.#socket?.destroy()
  }

  #connect(): void {
    const lines = new JsonLines()
    const socket =
      this.#descriptor === null
        ? net.connect({ path: this.#path })
        : new net.Socket({ fd: this.#descriptor, readable: true, writable: true })
    this.#socket = socket
    socket.unref()
    if (this.#descriptor === null) socket.on('connect', () => this.#onConnect())
    else this.#onConnect()
    socket.on('data', (chunk: Buffer) => {
      for (const value of lines.push(chunk)) this.#receive(value as ToProcess)
    })
    socket.on('error', () => {}) // 'close' follows, and is where it is handled
    socket.on('close', () => this.#onClose())
  }

  #onConnect(): void {
    this.#isConnected = true
    const wasLost = this.#lostAt !== null
    this.#lostAt = null
    this.#write({ type: 'hello', id: this.id, pid: process.pid, state: this.#state })
    // What was said before it was ready arrives before it is: a command that it has registered is there then.
    for (const message of this.#pending.splice(0)) this.#write(message)
    for (const fact of this.#facts.values()) this.#write(fact)
    if (wasLost) this.emit('restored')
  }

  #receive(message: ToProcess): void {
    if (message.type === 'wards') this.#wards = message.pids
    else if (message.type === 'orphaned') this.#abandon()
    else this.emit('message', message)
  }

  #onClose(): void {
    if (this.#isClosed) return
    const wasConnected = this.#isConnected
    this.#isConnected = false
    this.#lostAt ??= performance.now() // not the time of day, which may be set back or forth
    if (wasConnected) this.emit('lost')
    if (this.#descriptor !== null) return // the end of the supervisor ends a worker of node:cluster by its IPC
    if (performance.now() - this.#lostAt >= absenceLimitMs) {
      this.#abandon()
      return
    }
    this.#retry = setTimeout(() => this.#connect(), reconnectMs)
    this.#retry.unref()
  }

  #abandon(): void {
    if (this.#isClosed) return
    this.close()
    this.emit('abandoned', endWards(this.#wards))
  }

  #write(message: FromProcess): void {
    this.#socket?.write(toJsonLine(message))
  }
}

function factName(message: FromProcess): string {
  if (message.type === 'message') return `message ${message.fact}`
  return message.type === 'listening' ? placeName(message) : message.type
}

function placeName({ port, address }: { readonly port: number; readonly address: string }): string {
  return `listening ${port} ${address}`
}

function isFact(message: FromProcess): boolean {
  const { type } = message
  if (type === 'message') return message.fact !== undefined
  return type === 'ready' || type === 'loaded' || type === 'wait' || type === 'listening'
}

/** Those that can watch the supervisor themselves end by themselves first; then SIGTERM, then SIGKILL. */
async function endWards(wards: readonly Ward[]): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await new Promise((resolve) => setTimeout(resolve, wardGraceMs))
    const alive = wards.filter((ward) => ward.startTime === startTimeOf(ward.pid))
    for (const ward of alive) kill(ward, signal)
    if (alive.length === 0) return
  }
}

function kill(ward: Ward, signal: NodeJS.Signals): void {
  // The whole group; but a worker of node:cluster leads none.
  for (const target of [-ward.pid, ward.pid]) {
    try {
      process.kill(target, signal)
    } catch {
      // gone already
    }
  }
}

/**
 * When the kernel started a process, in clock ticks since boot (proc(5), field 22 of `stat`); null where there is no
 * `/proc`. Together with the pid it names one process for ever.
 */
export function startTimeOf(pid: number): string | null {
  return statOf(pid)?.[19] ?? null
}

/** The fields of `/proc/<pid>/stat` from the third on, the state (proc(5)); null: there is no such process, or no `/proc`. */
export function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}
