import { Agent, ClientRequest, IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { type Duplex, Stream } from 'node:stream'
import httpProxy from 'http-proxy'
import type { Target } from '../routing/route-table.ts'
import type { AttemptFailure } from './attempts.ts'
import type { Carrier, CarryJob } from './carrier.ts'
import { flushHead } from './flush-head.ts'
import { requestTrailers } from './worker-request.ts'

/**
 * How long a connection to a worker is kept unused. Short, so that a request which must not be sent twice never meets one
 * that the worker is closing just then; connecting anew on the same machine costs next to nothing.
 */
const idleMs = 1_000

type Passes = { webPasses: Array<{ readonly name: string }> }

/**
 * Carries requests through `http-proxy`: the only file that knows it. It makes the request to the worker; everything that
 * it gets wrong (docs/adr/0001) is kept from it:
 * - its passes that rewrite the request are taken out: `deleteLength` turns the chunked body of a DELETE or OPTIONS into
 *   a second request, which is request smuggling;
 * - it gets a request object of ours without headers, and hands us the `ClientRequest` at once, because that is what it
 *   pipes `options.buffer` into; headers, target and body are set there, exactly as they shall be sent;
 * - the answer is ours (`selfHandleResponse`), and so are errors, upgrades and clients that leave.
 */
export class HttpProxyCarrier implements Carrier {
  readonly #proxy = httpProxy.createProxyServer({ selfHandleResponse: true, toProxy: true, prependPath: false })
  readonly #agents = new Map<string, TargetAgent>()

  constructor() {
    keepQuietAboutExtend()
    const passes = this.#proxy as unknown as Passes
    passes.webPasses = passes.webPasses.filter(({ name }) => name === 'stream')
    if (passes.webPasses.length !== 1) throw new Error('http-proxy is not the version this was written for')
  }

  carry(job: CarryJob): () => void {
    const request = this.#open(job)
    try {
      for (const [name, values] of job.headers)
        request.setHeader(name, values.length === 1 ? (values[0] ?? '') : values)
      request.path = job.path
      request.maxHeadersCount = 0
      follow(request, job)
      if (job.answerTimeout > 0) limitSilence(request, job)
      if (!job.hasBody) request.end()
    } catch (error) {
      request.destroy() // its connection to the worker would stay open for ever
      throw error
    }
    return () => request.destroy()
  }

  closeIdle(target: Target): void {
    // Those in use stay with their requests; the agent forgets them, so they are closed when they become free.
    const agent = this.#agents.get(target.id)
    this.#agents.delete(target.id)
    agent?.retire()
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy()
    this.#agents.clear()
  }

  #open({ req, res, target, method }: CarryJob): ClientRequest {
    const blank = new IncomingMessage(req.socket)
    blank.method = method
    blank.url = '/'
    const catcher = new RequestCatcher()
    const agent = this.#agentOf(target)
    const options = { target: { protocol: 'http:', host: target.host, port: target.port }, agent, buffer: catcher }
    this.#proxy.web(blank, res, options, () => {}) // errors are listened to on the request itself
    const { request } = catcher
    if (request === null) throw new Error('http-proxy opened no request')
    readStrictly(request)
    return request
  }

  #agentOf(target: Target): TargetAgent {
    let agent = this.#agents.get(target.id)
    if (agent === undefined) {
      agent = new TargetAgent()
      this.#agents.set(target.id, agent)
    }
    return agent
  }
}

/** Stands where http-proxy expects a body, and gets the request that the body would be piped into. */
class RequestCatcher extends Stream {
  request: ClientRequest | null = null

  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    if (destination instanceof ClientRequest) this.request = destination
    return destination
  }
}

/** Whether an answer states a body that it must not have: a worker may send it all the same, in a moment (RFC 9112 6.3). */
function statesAbsentBody({ statusCode, headers }: IncomingMessage, method: string): boolean {
  if (method !== 'HEAD' && statusCode !== 204 && statusCode !== 304) return false
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Connections to workers that are not to be used again. */
const distrusted = new WeakSet<Duplex>()

/** Whatever NODE_OPTIONS say for the sake of some worker. `http.request` has an option for it, which http-proxy hands nobody on. */
function readStrictly(request: ClientRequest): void {
  ;(request as { insecureHTTPParser?: boolean }).insecureHTTPParser = false
}

/** The kept-alive connections to one target. */
class TargetAgent extends Agent {
  #isRetired = false

  constructor() {
    super({ keepAlive: true, maxFreeSockets: 256, scheduling: 'lifo' })
  }

  /** Closes what is idle now, and keeps nothing from now on. */
  retire(): void {
    this.#isRetired = true
    for (const sockets of Object.values(this.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
  }

  // Declared as void by the types, documented as a boolean that says whether the connection is kept.
  override keepSocketAlive(socket: Duplex): boolean {
    if (this.#isRetired || distrusted.has(socket)) return false
    const isKept: unknown = super.keepSocketAlive(socket)
    // The agent has set what the worker's `Keep-Alive: timeout` allows, if there was one.
    const { timeout = 0 } = socket as Socket
    ;(socket as Socket).setTimeout(timeout > 0 ? Math.min(timeout, idleMs) : idleMs)
    return isKept !== false
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    super.reuseSocket(socket, request)
    ;(socket as Socket).setTimeout(0)
  }
}

/** Tells the job's listener what becomes of the request, and sends the body once there is a connection. */
function follow(request: ClientRequest, job: CarryJob): void {
  const { listener, connectTimeout } = job
  let isConnected = false
  let hasOutcome = false
  const fail = (kind: AttemptFailure['kind'], error: Error): void => {
    if (hasOutcome) return
    hasOutcome = true
    listener.onFailure({ kind, isReused: request.reusedSocket, error })
  }
  request.once('socket', (socket) => {
    const onConnected = (): void => {
      isConnected = true
      if (job.hasBody && !request.destroyed) sendBody(request, job.req)
    }
    if (!socket.connecting) {
      onConnected()
      return
    }
    const giveUp = (): void => void request.destroy(new Error(`no connection within ${connectTimeout} ms`))
    const timer = setTimeout(giveUp, connectTimeout)
    request.once('close', () => clearTimeout(timer))
    socket.once('connect', () => {
      clearTimeout(timer)
      onConnected()
    })
  })
  request.on('information', ({ statusCode, statusMessage, rawHeaders }) => {
    if (!hasOutcome) listener.onInformation(statusCode, statusMessage, rawHeaders)
  })
  request.on('response', (answer) => {
    hasOutcome = true
    request.setTimeout(0)
    // Who has answered before it could have the end of the request may take the rest for another one.
    if (!request.writableFinished || statesAbsentBody(answer, job.method)) distrusted.add(answer.socket)
    listener.onAnswer(answer)
  })
  request.on('upgrade', (answer, socket, head) => {
    hasOutcome = true
    socket.setTimeout(0)
    listener.onUpgrade(answer, socket as Socket, head)
  })
  request.on('error', (error: NodeJS.ErrnoException) => {
    if (error instanceof SilenceError) fail('silent', error)
    else if (!isConnected) fail('connect', error)
    else fail(error.code?.startsWith('HPE_') ? 'bad answer' : 'sent', error)
  })
  request.on('close', () => {
    fail('sent', new Error('the connection ended'))
    listener.onDone()
  })
}

/** Streams the client's body, and its trailers, to the worker, no faster than that takes it. */
function sendBody(request: ClientRequest, req: IncomingMessage): void {
  req.once('end', () => {
    const trailers = requestTrailers(req.rawTrailers)
    if (trailers.length > 0 && !request.destroyed) request.addTrailers(trailers)
    request.end()
  })
  req.pipe(request, { end: false })
  // Once it is answered, Node does not tell a request any more that its client has left in the middle of the body.
  const breakOff = (): void => void request.destroy()
  req.socket.once('close', breakOff)
  request.once('close', () => req.socket.off('close', breakOff))
  // A client may want to see an answer, or `100 Continue`, before it sends any of the body: then the head goes alone.
  setImmediate(() => {
    if (!request.headersSent && !request.destroyed) flushHead(request)
  })
}

class SilenceError extends Error {}

/** Ends a request whose target says nothing; a client that takes its time with the body is not the target's silence. */
function limitSilence(request: ClientRequest, { req, answerTimeout, hasBody }: CarryJob): void {
  request.setTimeout(answerTimeout, () => {
    if (hasBody && !req.complete && !request.writableNeedDrain) request.socket?.setTimeout(answerTimeout)
    else request.destroy(new SilenceError(`no answer for ${answerTimeout} ms`))
  })
}

/**
 * http-proxy calls `util._extend`, which newer Node lines warn of, once, on stderr: a warning that our users can do nothing
 * about. So it is given here, once, to nobody; all other warnings stay.
 */
function keepQuietAboutExtend(): void {
  const { _extend: extend } = createRequire(import.meta.url)('node:util') as { _extend(to: object, from: object): void }
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    extend({}, {})
  } finally {
    process.emitWarning = emitWarning
  }
}
