import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { forEachEndToEnd, hasField, isFieldValue, trailerPairs } from './end-to-end-headers.ts'
import type { Turn } from './fast/turn.ts'
import { fileNameFirst } from './file-name-first.ts'
import { flushHead } from './flush-head.ts'
import { isHttp10 } from './http-version.ts'

/** Up to this size a body is cheaper to copy than to write as a piece of its own. */
const smallBytes = 16 * 1024

/** Header lines of the gateway, names and values in turn, that take the place of a worker's own of that name; cookies are added. */
export type OwnHeaders = readonly string[]

/**
 * Passes a worker's answer on: its header lines in their case, order and repetitions, hop-by-hop ones cut; the body no
 * faster than the client reads; trailers. If the worker breaks off, the client's connection is reset: an answer that was
 * cut short must never look like a whole one.
 */
export function relayAnswer(answer: IncomingMessage, res: ServerResponse, own: OwnHeaders, turn: Turn): void {
  const status = answer.statusCode ?? 502
  if (answer.httpVersionMajor !== 1) throw new Error('another version of HTTP') // whose head means what? (RFC 9112 2.3)
  if (status === 101) throw new Error('101 without a protocol') // the client would wait for the answer proper
  const headers = relayedHeaders(answer.rawHeaders, status, own, mayHaveTrailers(answer, res))
  res.writeHead(status, reasonPhrase(answer.statusMessage), fileNameFirst(headers))
  // The parser is in the middle of what has been read: by then it is done with that, and a short answer is there as a whole.
  if (turn.gathers) turn.add({ write: () => relayBody(answer, res) })
  else process.nextTick(relayBody, answer, res)
}

function relayBody(answer: IncomingMessage, res: ServerResponse): void {
  if (!answer.complete) streamBody(answer, res)
  else if (answer.destroyed) resetClient(res)
  else {
    const body = readAll(answer)
    addTrailers(answer, res)
    if (body === null) res.end()
    // As text it is written in one piece with the head: 3 % less CPU time for 1 KiB than two pieces are.
    else if (body.length <= smallBytes) res.end(body.toString('latin1'), 'latin1')
    else res.end(body)
  }
}

/** All that has come; the end is told when it has been read. In Node 26, a `read` gives one piece of it; in older ones, all. */
function readAll(answer: IncomingMessage): Buffer | null {
  const first: Buffer | null = answer.read()
  if (first === null || answer.readableLength === 0) return first
  const pieces = [first]
  while (answer.readableLength > 0) pieces.push(answer.read())
  return Buffer.concat(pieces)
}

function streamBody(answer: IncomingMessage, res: ServerResponse): void {
  let isHeadSent = false
  // The head of an answer whose body takes its time goes ahead alone; others travel together with the first piece.
  setImmediate(() => {
    if (!isHeadSent && !res.writableEnded && !res.destroyed) flushHead(res)
  })
  answer.on('data', (chunk: Buffer) => {
    isHeadSent = true
    if (res.write(chunk)) return
    answer.pause()
    res.once('drain', () => answer.resume())
  })
  answer.on('end', () => {
    if (!answer.complete) return
    addTrailers(answer, res)
    res.end()
  })
  answer.on('error', () => {}) // 'close' follows
  answer.on('close', () => {
    if (!answer.complete) resetClient(res)
  })
  if (answer.closed) resetClient(res) // it has been told already
}

function addTrailers({ rawTrailers }: IncomingMessage, res: ServerResponse): void {
  if (rawTrailers.length === 0) return
  const trailers = trailerPairs(rawTrailers)
  if (trailers.length > 0) res.addTrailers(trailers)
}

/** Ends the client's connection so that nobody takes it for a clean end, not even where the end of the body is the end of the connection. */
export function resetClient({ socket }: ServerResponse): void {
  if (socket !== null) resetSocket(socket)
}

export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return
  try {
    socket.resetAndDestroy()
  } catch {
    socket.destroy() // TLS, where an end without `close_notify` says the same
  }
}

/** The header lines of a worker's answer that go on to the client, with the gateway's own. */
export function relayedHeaders(
  rawHeaders: readonly string[],
  status: number,
  own: OwnHeaders,
  hasTrailers = false,
): string[] {
  const headers: string[] = []
  forEachEndToEnd(rawHeaders, (name, value, lowerName) => {
    if (hasField(own, lowerName) && lowerName !== 'set-cookie') return
    if ((status === 204 || status < 200) && lowerName === 'content-length') return // RFC 9110 8.6
    if (lowerName === 'trailer' && !hasTrailers) return // announced in vain, and Node throws
    headers.push(name, value)
  })
  headers.push(...own)
  return headers
}

/** A worker's reason phrase; nothing in place of one with control characters, which Node reads but does not write. */
export function reasonPhrase(given = ''): string {
  return isFieldValue(given) ? given : ''
}

/** Whether we send the body in chunks, after which alone trailers can come. */
function mayHaveTrailers({ rawHeaders, statusCode }: IncomingMessage, { req }: ServerResponse): boolean {
  const hasBody = req.method !== 'HEAD' && statusCode !== 204 && statusCode !== 304
  return hasBody && !isHttp10(req) && !hasField(rawHeaders, 'content-length')
}
