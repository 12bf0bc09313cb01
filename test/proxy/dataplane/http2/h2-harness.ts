import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectNet } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { onTestFinished } from 'vitest'
import { FrameClient } from '../../../support/http2-frames.ts'
import { type Gateway, startGateway, type Versions } from '../harness.ts'

const pem = join(import.meta.dirname, '..', 'fixtures', 'localhost.pem')

/** A gateway that speaks HTTP/2 without TLS, to clients that know it does. */
export function startClearGateway(versions: Versions, settings: Parameters<typeof startGateway>[1] = {}) {
  return startGateway(versions, {
    binding: { port: 0, tlsOptions: null, redirect: null, http2: true },
    ...settings,
  })
}

export function startTlsGateway(versions: Versions, http2 = true, settings: Parameters<typeof startGateway>[1] = {}) {
  return startGateway(versions, { binding: { port: 0, tlsOptions: { pem }, redirect: null, http2 }, ...settings })
}

/** A client of `node:http2`. */
export function dial({ port }: Pick<Gateway, 'port'>, scheme: 'http' | 'https' = 'http'): ClientHttp2Session {
  const session = connect(`${scheme}://127.0.0.1:${port}`, { rejectUnauthorized: false })
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  return session
}

/** A client that writes frames itself. */
export function dialFrames({ port }: Pick<Gateway, 'port'>, settings?: Buffer): FrameClient {
  const socket = connectNet(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  return new FrameClient(socket, settings)
}

/** The protocol that a TLS client and the gateway agree on. */
export async function negotiate({ port }: Pick<Gateway, 'port'>, offered: string[]): Promise<string | false | null> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: offered })
  onTestFinished(() => void socket.destroy())
  await new Promise((resolve) => socket.once('secureConnect', resolve))
  return socket.alpnProtocol
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly trailers: IncomingHttpHeaders | null
  /** Interim answers. */
  readonly informations: IncomingHttpHeaders[]
  /** How the stream ended (RFC 9113 7). */
  readonly code: number
  /** Whether the answer looks whole. */
  readonly isWhole: boolean
}

/** One request, and all of its answer. */
export function ask(
  session: ClientHttp2Session,
  headers: Record<string, string | string[]> = {},
  body: string | Buffer | null = null,
): Promise<Answer> {
  const stream = session.request({ ':path': '/', ...headers }, { endStream: body === null })
  if (body !== null) stream.end(body)
  return answerOf(stream)
}

export function answerOf(stream: ReturnType<ClientHttp2Session['request']>): Promise<Answer> {
  return new Promise((resolve) => {
    let head: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders | null = null
    let isWhole = false
    const chunks: Buffer[] = []
    const informations: IncomingHttpHeaders[] = []
    stream.on('headers', (information) => informations.push(information))
    stream.on('response', (received) => {
      head = received
    })
    stream.on('trailers', (received) => {
      trailers = received
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      isWhole = true
    })
    stream.on('error', () => {})
    stream.on('close', () => {
      const body = Buffer.concat(chunks).toString('latin1')
      const status = Number(head[':status'] ?? 0)
      const code = stream.rstCode ?? 0
      resolve({ status, headers: head, body, trailers, informations, code, isWhole: isWhole && code === 0 })
    })
  })
}
