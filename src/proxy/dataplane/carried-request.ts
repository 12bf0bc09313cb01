import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { AttemptFailure } from './attempts.ts'
import type { CarryJob } from './carrier.ts'
import { flushHead } from './flush-head.ts'
import { SilenceError, type SilenceWatch } from './silence-watch.ts'
import { closesSoon, distrust, wasConnected } from './target-agent.ts'
import { requestTrailers } from './worker-request.ts'

/** Tells the job's listener what becomes of the request, and sends the body once there is a connection. */
export function follow(request: ClientRequest, job: CarryJob, silence: SilenceWatch): void {
  const { listener } = job
  let hasOutcome = false
  const watched = silence.watch(request, job)
  const fail = (kind: AttemptFailure['kind'], error: Error): void => {
    if (hasOutcome) return
    hasOutcome = true
    listener.onFailure({ kind, isReused: request.reusedSocket, error })
  }
  if (job.hasBody) sendBodyOnceConnected(request, job.req)
  request.on('information', ({ statusCode, statusMessage, rawHeaders }) => {
    if (!hasOutcome) listener.onInformation(statusCode, statusMessage, rawHeaders)
  })
  request.on('response', (answer) => {
    hasOutcome = true
    silence.forget(watched)
    if (isConnectionSpoilt(request, answer, job.method)) distrust(answer.socket)
    listener.onAnswer(answer)
  })
  request.on('upgrade', (answer, socket, head) => {
    hasOutcome = true
    silence.forget(watched)
    listener.onUpgrade(answer, socket as Socket, head)
  })
  request.on('error', (error: NodeJS.ErrnoException) => {
    if (error instanceof SilenceError) fail('silent', error)
    else if (!wasConnected(request.socket)) fail('connect', error)
    else fail(error.code?.startsWith('HPE_') ? 'bad answer' : 'sent', error)
  })
  request.on('close', () => {
    silence.forget(watched)
    fail('sent', new Error('the connection ended'))
    listener.onDone()
  })
}

function sendBodyOnceConnected(request: ClientRequest, req: IncomingMessage): void {
  const send = (): void => {
    if (!request.destroyed) sendBody(request, req)
  }
  request.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', send)
    else send()
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
    if (!request.writableEnded && !request.destroyed) flushHead(request)
  })
}

/** Whether the connection must not serve another request: more may come on it that would pass for the answer to that. */
function isConnectionSpoilt(request: ClientRequest, answer: IncomingMessage, method: string): boolean {
  // Who has answered before it could have the end of the request may take the rest for another one.
  return !request.writableFinished || statesAbsentBody(answer, method) || closesSoon(answer.rawHeaders)
}

/** Whether an answer states a body that it must not have: a worker may send it all the same, in a moment (RFC 9112 6.3). */
function statesAbsentBody(answer: IncomingMessage, method: string): boolean {
  const { statusCode } = answer
  if (method !== 'HEAD' && statusCode !== 204 && statusCode !== 304) return false
  const { headers } = answer // Node makes them when they are asked for
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
