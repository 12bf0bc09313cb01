import { rmSync } from 'node:fs'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import type { FromProcess, ToProcess } from '../common/channel-protocol.ts'
import { JsonLines, toJsonLine } from '../common/json-lines.cts'
import type { Log } from '../common/log.ts'

/** Bytes that may wait for a process that does not read, because it hangs or was stopped. */
const maxBacklog = 16 * 1024 * 1024

/** What the owner of a worker hears from the process itself. */
export interface ChannelPeer {
  onConnected(): void
  onMessage(message: FromProcess): void
  onDisconnected(): void
}

/**
 * The supervisor's end of the channel: a Unix socket to which the processes that carry our code connect (docs/adr/0002).
 * Who says hello with an id that nobody here expects is left over from a supervisor that died: it is told so, and ends, so
 * that its ports become free.
 */
export class ChannelServer {
  readonly path: string
  readonly #server: net.Server
  readonly #log: Log
  readonly #peers = new Map<string, ChannelPeer>()
  readonly #connections = new Map<string, Duplex>()
  readonly #sockets = new Set<Duplex>()

  private constructor(path: string, log: Log) {
    this.path = path
    this.#log = log
    this.#server = net.createServer((socket) => this.#accept(socket))
  }

  /** Opens the socket; one that a dead supervisor left behind is replaced. The caller holds the lock of the directory. */
  static async open(path: string, log: Log): Promise<ChannelServer> {
    const server = new ChannelServer(path, log)
    rmSync(path, { force: true })
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject)
      server.#server.listen({ path }, () => resolve())
    })
    server.#server.on('error', (error) => log.error({ err: error }, 'the channel could not take a connection'))
    return server
  }

  /** From now on a process with this id is `peer`. */
  expect(id: string, peer: ChannelPeer): void {
    this.#peers.set(id, peer)
  }

  /**
   * Takes a connection that was made otherwise: a descriptor that the process with this id has inherited. It may be another
   * user's, so on this connection it is nobody else.
   */
  adopt(socket: Duplex, owner: string): void {
    this.#accept(socket, owner)
  }

  forget(id: string): void {
    this.#peers.delete(id)
    this.#connections.get(id)?.destroy()
    this.#connections.delete(id)
  }

  /** Whether it was sent; false: the process is not connected. */
  send(id: string, message: ToProcess): boolean {
    const socket = this.#connections.get(id)
    if (!socket) return false
    if (socket.writableLength > maxBacklog) {
      // It does not read: when it does again it connects anew, and is told how things stand then.
      this.#log.warn({ id }, 'a process does not read its channel; the connection is closed')
      socket.destroy()
      return false
    }
    socket.write(toJsonLine(message))
    return true
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    rmSync(this.path, { force: true })
  }

  #accept(socket: Duplex, owner: string | null = null): void {
    const lines = new JsonLines()
    let id: string | null = null
    this.#sockets.add(socket)
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const value of lines.push(chunk)) {
          const message = value as FromProcess
          if (message.type === 'hello') id = this.#welcome(socket, message, id ?? owner)
          else if (id !== null) this.#peers.get(id)?.onMessage(message)
        }
      } catch (error) {
        this.#log.warn({ err: error, worker: id }, 'a process broke the rules of the channel; its connection is closed')
        socket.destroy()
      }
    })
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => {
      this.#sockets.delete(socket)
      if (id === null || this.#connections.get(id) !== socket) return
      this.#connections.delete(id)
      this.#peers.get(id)?.onDisconnected()
    })
  }

  /** @param owner the only one who may speak here, where that is known */
  #welcome(socket: Duplex, hello: Extract<FromProcess, { type: 'hello' }>, owner: string | null): string | null {
    if (owner !== null && hello.id !== owner) throw new Error(`it takes itself for ${hello.id}`)
    const peer = this.#peers.get(hello.id)
    if (!peer) {
      this.#log.warn(
        { pid: hello.pid, id: hello.id },
        'a process of an earlier supervisor is still here; it is told to stop',
      )
      socket.write(toJsonLine({ type: 'orphaned' } satisfies ToProcess))
      return null
    }
    this.#connections.set(hello.id, socket)
    peer.onConnected()
    return hello.id
  }
}
