import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { onTestFinished } from 'vitest'
import { RawClient } from './harness.ts'

/** A TLS connection that the server has accepted. @throws why there is none */
export async function dial(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  onTestFinished(() => void socket.destroy())
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  socket.on('error', () => {})
  return socket
}

/** The common name of the certificate that a client gets. */
export async function certificateFor(port: number, options: ConnectionOptions = {}): Promise<string> {
  const socket = await dial(port, options)
  const { CN } = socket.getPeerCertificate().subject
  socket.destroy()
  return String(CN)
}

/** The answer to one request, on a connection that is then closed. @throws if the connection ends before the answer */
export async function answerOver(port: number, options: ConnectionOptions = {}): Promise<string> {
  const socket = await dial(port, options)
  const client = new RawClient(socket)
  const answer = await client.send('GET / HTTP/1.1', 'Host: a', '', '').until(/\r\n\r\n/)
  socket.destroy()
  return answer
}

/** A session that a later connection may resume. With TLS 1.3 it comes after the handshake. */
export async function sessionOf(port: number, options: ConnectionOptions = {}): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  const client = new RawClient(socket)
  client.send('GET / HTTP/1.1', 'Host: a', '', '')
  const session = await new Promise<Buffer>((resolve, reject) => {
    socket.once('session', resolve).once('close', () => reject(new Error('closed before there was a session')))
  })
  await client.until(/\r\n\r\n/)
  socket.destroy()
  return session
}

/** Whether a connection resumes the session. */
export async function resumes(port: number, session: Buffer, options: ConnectionOptions = {}): Promise<boolean> {
  const socket = await dial(port, { ...options, session })
  const isReused = socket.isSessionReused()
  socket.destroy()
  return isReused
}
