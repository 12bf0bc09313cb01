import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { relayedHeaders } from './relay-answer.ts'

/** The head of a 101 answer for the client: the worker's lines, `Upgrade` among them, and the gateway's own. */
export function switchingHead(rawHeaders: readonly string[], own: readonly string[]): Buffer {
  const lines = [`HTTP/1.1 101 ${STATUS_CODES[101]}`, 'Connection: Upgrade']
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === 'upgrade') lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`)
  }
  const headers = relayedHeaders(rawHeaders, 101, own)
  for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** How long a client may be silent before the system asks whether it is still there; its connection breaks if it is not. */
const probeMs = 60_000

/**
 * Joins two sockets: bytes and ends go through both ways, each no faster than the other side reads; if one breaks, both do.
 * @param idleTimeout milliseconds of silence both ways after which both are closed; 0: for ever
 */
export function splice(one: Socket, other: Socket, idleTimeout: number): void {
  one.setKeepAlive(true, probeMs)
  // Whatever comes from either side is read from this one or written to it.
  if (idleTimeout > 0) one.setTimeout(idleTimeout, () => one.destroy())
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    ignoreEnd(from)
    from.setNoDelay(true)
    from.on('error', () => {}) // 'close' follows
    from.on('close', () => {
      // After a clean end the last bytes may still be on their way to the other side.
      if (from.readableEnded) to.end()
      else to.destroy()
    })
    from.pipe(to)
  }
}

/**
 * Until a client's socket is spliced, nobody reads it, and so nobody would notice that the client has left. Takes in what
 * a buffer holds and no more; a client that ends its side is taken to have left, as `node:http` does.
 */
export function noticeEnd(socket: Socket): void {
  socket.on('readable', readAtEnd)
  socket.on('end', leave)
}

/** Somebody else reads it from now on. */
export function ignoreEnd(socket: Socket): void {
  socket.off('readable', readAtEnd)
  socket.off('end', leave)
}

/** With nothing in the buffer, a read brings 'end', if that is what there is. */
function readAtEnd(this: Socket): void {
  if (this.readableLength === 0) this.read()
}

function leave(this: Socket): void {
  this.destroy()
}
