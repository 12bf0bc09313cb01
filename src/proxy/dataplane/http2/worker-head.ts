import { isHopByHop } from '../end-to-end-headers.ts'
import { forwardingHeaders, isForwardingHeader, nothingEarlier, type Peer } from '../forwarding.ts'
import { isDisguised, workerRequestHeaders } from '../worker-request.ts'
import type { Http2RequestHead } from './request-head.ts'

/** Methods whose requests say so if they have no body (RFC 9110 8.6). */
const expectsBody = new Set(['POST', 'PUT', 'PATCH'])

export interface WorkerHeadOptions {
  readonly isPeerTrusted: boolean
  readonly requestId: string
  /** Whether the header section was the whole request. */
  readonly isWhole: boolean
}

/** Writes the heads of one client's requests as HTTP/1.1 workers get them. */
export class WorkerHeads {
  readonly #peer: Peer
  /** The last host that was asked for, and what follows from it. */
  #host: string | null = null
  #forwarding = ''

  constructor(peer: Peer) {
    this.#peer = peer
  }

  /** One character a byte. @param head checked */
  write(head: Http2RequestHead, options: WorkerHeadOptions): string {
    const { method, path, contentLength } = head
    const { isWhole } = options
    const isChunked = !isWhole && contentLength === -1
    let text = `${method} ${path} HTTP/1.1\r\n`
    text += options.isPeerTrusted
      ? this.#linesOfTrusted(head, options, isChunked)
      : this.#lines(head, options, isChunked)
    if (isWhole && contentLength === -1 && expectsBody.has(method)) text += 'content-length: 0\r\n'
    return `${text}\r\n`
  }

  /** What `workerRequestHeaders` makes of a peer that is not trusted, written at once. */
  #lines({ host, fields }: Http2RequestHead, { requestId }: WorkerHeadOptions, isChunked: boolean): string {
    let text = `host: ${host}\r\n`
    for (let index = 0; index < fields.length; index += 2) {
      const name = fields[index] as string
      if (isHopByHop(name) || isForwardingHeader(name) || name === 'x-request-id' || isDisguised(name)) continue
      if (name === 'trailer' && !isChunked) continue
      text += `${name}: ${fields[index + 1]}\r\n`
    }
    if (host !== this.#host) this.#useHost(host)
    text += `${this.#forwarding}X-Request-Id: ${requestId}\r\n`
    return isChunked ? `${text}Transfer-Encoding: chunked\r\n` : text
  }

  #useHost(host: string): void {
    this.#host = host
    this.#forwarding = ''
    for (const [name, value] of forwardingHeaders(this.#peer, host, nothingEarlier)) {
      this.#forwarding += `${name}: ${value}\r\n`
    }
  }

  #linesOfTrusted({ host, fields }: Http2RequestHead, { requestId }: WorkerHeadOptions, isChunked: boolean): string {
    let text = ''
    for (const [name, values] of workerRequestHeaders({
      rawHeaders: ['host', host, ...fields],
      peer: this.#peer,
      isPeerTrusted: true,
      requestId,
      authority: null,
      host,
      isChunked,
      isHttp10: false,
      upgrade: null,
    })) {
      for (const value of values) text += `${name}: ${value}\r\n`
    }
    return text
  }
}
