import http from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { CserviceError } from '../../common/errors.ts'

/** One way to a gateway: its control socket, or its REST, to which a key goes once it is recognised. */
export type Endpoint =
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: number; readonly tls: TlsOptions | null; readonly accessKey?: string }

export interface Answer {
  readonly status: number
  readonly text: string
}

const keepAliveMs = 15_000
const answerLimit = 64 * 1024 * 1024
/** What a connection attempt says when nobody listens there. */
const nobodyCodes = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EACCES',
  'ENOTDIR',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
])

/** Writes the body of a request and ends it; one that fails destroys the request with the reason. */
export type SendBody = (req: http.ClientRequest) => void

/**
 * One request and its whole answer; null when nobody listens there.
 * @param timeoutMs for all of it; 0: as long as it takes
 * @throws CserviceError TIMED_OUT, GATEWAY_BROKE_OFF, TLS_FAILED
 */
export function request(
  endpoint: Endpoint,
  options: http.RequestOptions,
  body: string | SendBody,
  timeoutMs: number,
): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    const req = openRequest(endpoint, options)
    const timer = timeoutMs > 0 ? setTimeout(() => req.destroy(timedOut(timeoutMs)), timeoutMs) : null
    const state = followConnection(req)
    req.on('error', (error: NodeJS.ErrnoException) => {
      if (!state.isConnected && nobodyCodes.has(error.code ?? '')) resolve(null)
      else reject(toKnown(error, endpoint, state))
    })
    req.on('close', () => timer && clearTimeout(timer))
    req.on('response', (res) => {
      const chunks: Buffer[] = []
      let length = 0
      res.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > answerLimit) req.destroy()
        else chunks.push(chunk)
      })
      res.on('end', () => {
        resolve({ status: res.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') })
        req.destroy() // an answer may come before the whole of the request has left
      })
      res.on('error', (error) => reject(toKnown(error, endpoint, state)))
    })
    if (typeof body === 'function') body(req)
    else req.end(Buffer.from(body)) // as text, Node would write the head in UTF-8 together with it
  })
}

/** One request and the beginning of its answer, which the caller reads; null when nobody listens there. */
export function requestBytes(endpoint: Endpoint, options: http.RequestOptions): Promise<http.IncomingMessage | null> {
  return new Promise((resolve, reject) => {
    const req = openRequest(endpoint, options)
    const state = followConnection(req)
    req.on('error', (error: NodeJS.ErrnoException) => {
      if (!state.isConnected && nobodyCodes.has(error.code ?? '')) resolve(null)
      else reject(toKnown(error, endpoint, state))
    })
    req.on('response', resolve)
    req.end()
  })
}

/** A request that the caller ends. A gateway that vanishes with its machine ends it too. */
export function openRequest(endpoint: Endpoint, options: http.RequestOptions): http.ClientRequest {
  const req = startRequest(endpoint, options)
  req.setSocketKeepAlive(true, keepAliveMs)
  return req
}

/** A key is UTF-8; header values are written byte by byte. */
export function keyHeader(endpoint: Endpoint): { authorization?: string } {
  const key = 'accessKey' in endpoint ? endpoint.accessKey : undefined
  return key === undefined ? {} : { authorization: `Bearer ${Buffer.from(key, 'utf8').toString('latin1')}` }
}

function startRequest(endpoint: Endpoint, options: http.RequestOptions): http.ClientRequest {
  if ('socketPath' in endpoint) {
    return http.request({ ...options, socketPath: endpoint.socketPath, host: 'localhost', agent: false })
  }
  const { host, port, tls } = endpoint
  if (tls === null) return http.request({ ...options, host, port, agent: false })
  const servername = isIP(host) === 0 ? host : '' // an address is none (RFC 6066)
  return https.request({ ...options, ...tls, host, port, servername, agent: false })
}

interface ConnectionState {
  isConnected: boolean
  isSecure: boolean
}

function followConnection(req: http.ClientRequest): ConnectionState {
  const state = { isConnected: false, isSecure: false }
  req.on('socket', (socket) => {
    socket.on('connect', () => {
      state.isConnected = true
    })
    socket.on('secureConnect', () => {
      state.isSecure = true
    })
  })
  return state
}

function toKnown(error: Error, endpoint: Endpoint, { isConnected, isSecure }: ConnectionState): CserviceError {
  if (error instanceof CserviceError) return error
  const isTls = 'port' in endpoint && endpoint.tls !== null
  if (!isTls || isSecure || !isConnected) return new CserviceError('GATEWAY_BROKE_OFF', undefined, { cause: error })
  return new CserviceError(
    'TLS_FAILED',
    `The gateway on ${endpoint.host}:${endpoint.port} could not be trusted over TLS: ${reasonOf(error)}`,
    { cause: error },
  )
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EPROTO') return 'it does not speak TLS, or no version that this side speaks'
  if (code === 'ECONNRESET') return 'it closed the connection in the middle of the handshake'
  return message.split('\n', 1)[0] ?? ''
}

function timedOut(timeoutMs: number): CserviceError {
  return new CserviceError('TIMED_OUT', `The gateway did not answer within ${timeoutMs} ms`, {
    hint: 'The command goes on there; cservice proxy info shows what has become of it.',
  })
}
