import { isHopByHop } from '../end-to-end-headers.ts'
import { ForwardingLines } from '../fast/forwarding-lines.ts'
import { earlierForwarding, isForwardingHeader, isOwnForwarding, nothingEarlier } from '../forwarding.ts'
import { countForward } from '../max-forwards.ts'
import type { Peer } from '../peer.ts'
import { isDisguised } from '../worker-request.ts'
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
  readonly #forwarding: ForwardingLines

  constructor(peer: Peer) {
    this.#forwarding = new ForwardingLines(peer)
  }

  /**
   * The same fields as `workerRequestHeaders` chooses in the other lanes, written at once.
   * @param head checked
   * @returns one character a byte
   */
  write(head: Http2RequestHead, { isPeerTrusted, requestId, isWhole }: WorkerHeadOptions): string {
    const { method, path, host, contentLength } = head
    const isChunked = !isWhole && contentLength === -1
    const fields = countForward(method, head.fields)
    let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n`
    for (let index = 0; index < fields.length; index += 2) {
      const name = fields[index] as string
      if (isHopByHop(name) || name === 'x-request-id' || isDisguised(name)) continue
      if (isForwardingHeader(name) && (!isPeerTrusted || isOwnForwarding(name))) continue
      if (name === 'trailer' && !isChunked) continue // nothing can follow such a body
      text += `${name}: ${fields[index + 1]}\r\n`
    }
    text += this.#forwarding.of(host, isPeerTrusted ? earlierForwarding(fields) : nothingEarlier) ?? ''
    text += `X-Request-Id: ${requestId}\r\n`
    if (isChunked) text += 'Transfer-Encoding: chunked\r\n'
    else if (isWhole && contentLength === -1 && expectsBody.has(method)) text += 'content-length: 0\r\n'
    return `${text}\r\n`
  }
}
