import type { Socket } from 'node:net'
import { readClientHello } from './client-hello.ts'

export interface PeekOptions {
  /** Milliseconds. */
  readonly deadline: number
  /** It is over; the connection is closed after that. */
  onTimeout(): void
}

/**
 * Waits for the first message of a TLS client, and calls back with the name that it asks for. The bytes are put back, for
 * whoever does the handshake. A connection that ends first is none any more, and one that takes longer is closed.
 */
export function peekServerName(
  socket: Socket,
  { deadline, onTimeout }: PeekOptions,
  onName: (servername: string | null) => void,
): void {
  const chunks: Buffer[] = []
  let length = 0
  let needed = 1
  const close = () => socket.destroy()
  const timer = setTimeout(() => {
    onTimeout()
    close()
  }, deadline).unref()
  const onData = (chunk: Buffer) => {
    chunks.push(chunk)
    length += chunk.length
    if (length < needed) return
    const bytes = Buffer.concat(chunks.splice(0), length)
    const hello = readClientHello(bytes)
    if (!hello.isWhole) {
      chunks.push(bytes)
      needed = hello.needed
      return
    }
    done()
    socket.pause()
    socket.unshift(bytes)
    onName(hello.servername)
  }
  const done = () => {
    clearTimeout(timer)
    socket.off('data', onData).off('end', close).off('error', close).off('close', done)
  }
  socket.on('data', onData).on('end', close).on('error', close).on('close', done)
  socket.resume() // whoever has had it before may have paused it
}
