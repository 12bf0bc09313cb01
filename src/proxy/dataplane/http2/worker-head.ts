import type { Peer } from '../forwarding.ts'
import { workerRequestHeaders } from '../worker-request.ts'
import type { Http2RequestHead } from './request-head.ts'

/** Methods whose requests say so if they have no body (RFC 9110 8.6). */
const expectsBody = new Set(['POST', 'PUT', 'PATCH'])

export interface WorkerHeadOptions {
  readonly peer: Peer
  readonly isPeerTrusted: boolean
  readonly requestId: string
  /** Whether the header section was the whole request. */
  readonly isWhole: boolean
}

/** The request's head as an HTTP/1.1 worker gets it, one character a byte. @param head checked */
export function workerHead(head: Http2RequestHead, options: WorkerHeadOptions): string {
  const { method, path, host, fields, contentLength } = head
  const isOpen = !options.isWhole && contentLength === -1
  let text = `${method} ${path} HTTP/1.1\r\n`
  for (const [name, values] of workerRequestHeaders({
    rawHeaders: ['host', host, ...fields],
    peer: options.peer,
    isPeerTrusted: options.isPeerTrusted,
    requestId: options.requestId,
    authority: null,
    host,
    isChunked: isOpen,
    isHttp10: false,
    upgrade: null,
  })) {
    for (const value of values) text += `${name}: ${value}\r\n`
  }
  if (options.isWhole && contentLength === -1 && expectsBody.has(method)) text += 'content-length: 0\r\n'
  return `${text}\r\n`
}
