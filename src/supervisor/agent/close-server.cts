import net from 'node:net'

/** What Node keeps at a connection of HTTP/1 (lib/_http_server.js); not public, so everything is guarded. */
interface HttpSocket extends net.Socket {
  /** Null after an upgrade: then the connection is no longer HTTP. */
  readonly parser?: unknown
  /** The response that is being written. */
  readonly _httpMessage?: unknown
}

const sampleMs = 50

/**
 * Accepts nothing new, and ends connections of HTTP that have been idle for so long.
 * @param sockets the open connections, which change meanwhile
 * @returns a promise for the end of all of them, and one for the end of those of HTTP
 */
export function closeServer(server: net.Server, sockets: Set<net.Socket>, idleGraceMs: number) {
  let reportHttpClosed = () => {}
  const httpClosed = new Promise<void>((resolve) => {
    reportHttpClosed = resolve
  })
  const idle = new IdleTimes()
  const look = () => {
    for (const socket of sockets) if (isIdle(socket) && idle.of(socket) >= idleGraceMs) socket.destroy()
    if (![...sockets].some(isHttp)) reportHttpClosed()
  }
  const timer = setInterval(look, sampleMs)
  const closed = new Promise<void>((resolve) => {
    // Not `server.close`, which of an http.Server is the one that cuts idle connections.
    net.Server.prototype.close.call(server, () => {
      clearInterval(timer)
      reportHttpClosed()
      resolve()
    })
  })
  look()
  return { closed, httpClosed }
}

/** How long nothing has come or gone on a connection, in milliseconds, since it was first asked. */
class IdleTimes {
  readonly #last = new WeakMap<net.Socket, { bytes: number; since: number }>()

  of(socket: net.Socket): number {
    const bytes = socket.bytesRead + socket.bytesWritten
    const last = this.#last.get(socket)
    if (last?.bytes === bytes) return performance.now() - last.since
    this.#last.set(socket, { bytes, since: performance.now() })
    return 0
  }
}

/** Whether it is a connection of HTTP/1 without a request in flight. What is not HTTP any more is never idle to us. */
function isIdle(socket: net.Socket): boolean {
  return isHttp(socket) && !(socket as HttpSocket)._httpMessage
}

function isHttp(socket: net.Socket): boolean {
  return Boolean((socket as HttpSocket).parser)
}
