import type { Socket } from 'node:net'
import type { DataplaneSettings } from '../../messages.ts'
import { type DrainedConnection, drainConnections } from '../drain-connections.ts'
import type { Lane, LaneContext } from '../lane.ts'
import { isPreface } from './preface.ts'

/** Gives each connection to the lane of its protocol: by ALPN where it is encrypted, by its first bytes where that is asked for. */
export class ProtocolLane implements Lane {
  readonly #context: LaneContext
  readonly #http1: Lane
  readonly #http2: Lane
  readonly #undecided = new Set<UndecidedConnection>()

  constructor(context: LaneContext, http1: Lane, http2: Lane) {
    this.#context = context
    this.#http1 = http1
    this.#http2 = http2
  }

  get connectionCount(): number {
    return this.#undecided.size + this.#http1.connectionCount + this.#http2.connectionCount
  }

  configure(settings: DataplaneSettings): void {
    this.#http1.configure(settings)
    this.#http2.configure(settings)
  }

  accept(socket: Socket): void {
    if ('alpnProtocol' in socket && socket.alpnProtocol === 'h2') this.#http2.accept(socket)
    else if ('encrypted' in socket || !this.#context.settings().binding.http2) this.#http1.accept(socket)
    else this.#listen(socket)
  }

  async drain(deadline: number): Promise<void> {
    const began = Date.now()
    do {
      // A connection may still go over to a lane.
      const left = Math.max(0, began + deadline - Date.now())
      await Promise.all([drainConnections(this.#undecided, left), this.#http1.drain(left), this.#http2.drain(left)])
    } while (this.connectionCount > 0)
  }

  /** Until the first bytes have come. */
  #listen(socket: Socket): void {
    const { headTimeout } = this.#context.settings()
    const connection = new UndecidedConnection(socket, headTimeout, (isHttp2, since) => {
      this.#undecided.delete(connection)
      if (isHttp2 === null) return
      if (isHttp2) this.#http2.accept(socket)
      else {
        this.#http1.accept(socket, since)
        socket.resume()
      }
    })
    this.#undecided.add(connection)
  }
}

/** A connection whose protocol is not known yet. What it has read is put back. */
class UndecidedConnection implements DrainedConnection {
  readonly isIdle = true
  readonly #socket: Socket
  readonly #onDecided: (isHttp2: boolean | null, since: number) => void
  readonly #timer: NodeJS.Timeout
  #bytes = Buffer.alloc(0)
  #since = Date.now()

  /** @param onDecided called once; null: the connection has ended */
  constructor(socket: Socket, timeout: number, onDecided: (isHttp2: boolean | null, since: number) => void) {
    this.#socket = socket
    this.#onDecided = onDecided
    this.#timer = setTimeout(() => this.#onTimeout(), timeout).unref()
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  get usedAt(): number {
    return this.#since
  }

  destroy(): void {
    this.#socket.destroy()
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#bytes.length === 0) this.#since = Date.now()
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    const verdict = isPreface(this.#bytes)
    if (verdict !== 'more') this.#decide(verdict)
  }

  /** The lane of HTTP/1 has an answer to one who began to say something. */
  #onTimeout(): void {
    if (this.#bytes.length === 0) this.#socket.destroy()
    else this.#decide(false)
  }

  #decide(isHttp2: boolean): void {
    this.#release()
    this.#socket.pause()
    this.#socket.unshift(this.#bytes)
    this.#onDecided(isHttp2, this.#since)
  }

  readonly #onEnd = (): void => void this.#socket.destroy()

  readonly #onError = (): void => {} // 'close' follows

  readonly #onClose = (): void => {
    this.#release()
    this.#onDecided(null, this.#since)
  }

  #release(): void {
    clearTimeout(this.#timer)
    this.#socket.off('data', this.#onData)
    this.#socket.off('end', this.#onEnd)
    this.#socket.off('error', this.#onError)
    this.#socket.off('close', this.#onClose)
  }
}
