import { constants, type ServerHttp2Stream } from 'node:http2'
import type { SelectableRequest, SelectedBy } from '../../routing/selection.ts'
import { composeAnswer, prefersHtml } from '../answer.ts'
import { applySelection } from '../apply-selection.ts'
import { Attempts } from '../attempts.ts'
import { isTooLong } from '../body-guard.ts'
import type { ReadyEntry, Ticket } from '../dispatcher.ts'
import { headerValues } from '../end-to-end-headers.ts'
import { MeasuredBody } from '../fast/body.ts'
import type { ClientSide } from '../fast/client-side.ts'
import { FastExchange } from '../fast/fast-exchange.ts'
import { navigates, refusalAnswer } from '../fast/refusal-message.ts'
import type { Turn } from '../fast/turn.ts'
import type { WorkerConnections } from '../fast/worker-connections.ts'
import { clientAddress, earlierForwarding } from '../forwarding.ts'
import type { LaneContext } from '../lane.ts'
import { type OwnAnswer, ownAnswer } from '../own-answer.ts'
import type { Peer } from '../peer.ts'
import { Refusal } from '../refusal.ts'
import { requestIdOf } from '../request-id.ts'
import { SelectableLines } from '../selectable-lines.ts'
import { checkRequestHead, type Http2RequestHead } from './request-head.ts'
import { type AnsweredRequest, StreamOutlet } from './stream-outlet.ts'
import { StreamReader } from './stream-reader.ts'
import type { WorkerHeads } from './worker-head.ts'

const none = new MeasuredBody(0)
const ignore = (): void => {}

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly context: LaneContext
  readonly workers: WorkerConnections
  readonly turn: Turn
  readonly peer: Peer
  readonly heads: WorkerHeads
  /** The stream is over. @param wasReset whether the client ended it before its answer was whole */
  onStreamEnd(stream: ClientStream, wasReset: boolean): void
}

/** One request of a client that speaks HTTP/2, and its answer: what the client's side of an exchange is in HTTP/1.1. */
export class ClientStream implements ClientSide, AnsweredRequest {
  readonly outlet: StreamOutlet
  /** Where it is in the list of its connection. */
  place = -1
  readonly #stream: ServerHttp2Stream
  readonly #owner: StreamOwner
  readonly #head: Http2RequestHead | null
  readonly #method: string
  readonly #path: string
  readonly #requestId: string
  readonly #startedAt = Date.now()
  /** The header section was all of the request. */
  readonly #isWhole: boolean
  #text = ''
  readonly #reader: StreamReader
  #ticket: Ticket | null = null
  #by: SelectedBy | null = null
  #exchange: FastExchange | null = null
  /** While the request waits for a target. */
  #waiting: AbortController | null = null
  #status = 0
  #hasEnded = false
  #isResetByUs = false
  /** Since when the client has taken nothing of what waits for it, in milliseconds since the epoch. */
  #stalledSince = 0

  /** @param lines the header section: names and values in turn */
  constructor(stream: ServerHttp2Stream, lines: readonly string[], isWhole: boolean, owner: StreamOwner) {
    this.#stream = stream
    this.#owner = owner
    this.#isWhole = isWhole
    this.#reader = new StreamReader(stream, isWhole)
    const checked = checkRequestHead(lines)
    this.#head = checked === 'malformed' || 'error' in checked ? null : checked
    this.#method = checked === 'malformed' ? '' : checked.method
    this.#path = checked === 'malformed' ? '' : checked.path
    const given = this.#head === null ? [] : headerValues(this.#head.fields, 'x-request-id')
    this.#requestId = requestIdOf(given.length === 1 ? given[0] : undefined)
    this.outlet = new StreamOutlet(stream, this)
    stream.on('error', ignore) // 'close' follows
    stream.on('aborted', () => this.#reader.discard())
    stream.on('close', () => this.#onClose())
    if (checked === 'malformed') this.#reset(constants.NGHTTP2_PROTOCOL_ERROR)
    else if ('error' in checked) this.#refuse(new Refusal(checked.error))
    else this.#start(checked)
  }

  isLast(): boolean {
    return false // the connection says so itself (GOAWAY)
  }

  offerBody(): void {
    if (this.#exchange !== null) this.#reader.offer(this.#exchange)
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    if (this.#stream.isPaused()) this.#stream.resume()
  }

  onEnd(): void {
    this.#reader.discard()
    this.#account()
  }

  onBroken(): void {
    this.#account()
    this.#isResetByUs = true
    // Not `close`, which would first send what looks like the end of the answer.
    this.#stream.destroy(new Error('the answer was cut short')) // INTERNAL_ERROR
  }

  get isHead(): boolean {
    return this.#method === 'HEAD'
  }

  get expectsContinue(): boolean {
    return this.#head !== null && headerValues(this.#head.fields, 'expect').length > 0
  }

  get isReceived(): boolean {
    return this.#reader.isReceived
  }

  /** What the client has had reason to send: the body, and what lets an answer through (WINDOW_UPDATE). */
  get usefulBytes(): number {
    return this.#reader.bytesReceived + this.outlet.bytesSent / 64
  }

  /** Looks at the time: to be called now and then. @returns whether the client has taken nothing for too long */
  check(now: number, sendTimeout: number): boolean {
    this.#exchange?.check(now)
    if (this.#stream.writableLength === 0) this.#stalledSince = 0
    else if (this.#stalledSince === 0) this.#stalledSince = now
    if (this.#isResetByUs) return false // said once
    return sendTimeout > 0 && this.#stalledSince > 0 && now - this.#stalledSince >= sendTimeout
  }

  /** Ends it, whatever has become of the answer. @param code of RFC 9113 7 */
  end(code: number): void {
    // At once: where the client reads nothing at all, the reset waits as well.
    this.#exchange?.abort()
    this.#account()
    this.#reset(code)
  }

  #start(head: Http2RequestHead): void {
    try {
      this.#begin(head)
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** @throws Refusal */
  #begin(head: Http2RequestHead): void {
    const { context, peer, heads } = this.#owner
    const settings = context.settings()
    const { method, fields, host, path } = head
    const own = ownAnswer(settings, { method, path, host, rawHeaders: [...fields] }, context.isReady)
    if (own !== null) {
      this.#answer(own)
      return
    }
    if (isTooLong(head.contentLength, settings.maxBodySize)) throw new Refusal('REQUEST_TOO_LARGE')
    this.#text = heads.write(head, {
      isPeerTrusted: context.trustedPeers().has(peer.address),
      requestId: this.#requestId,
      isWhole: this.#isWhole,
    })
    const request = { method, target: path, host, lines: fields }
    const selectable = new SelectableLines(request, settings.versionHeader, () => this.#address())
    const entry = context.dispatcher.enterReady(selectable)
    if (entry !== null) this.#carry(head, entry)
    else this.#wait(head, selectable).catch((error: unknown) => this.#refuse(error))
  }

  /** Not running, or nowhere to be reached: refused, or carried once there is a target. */
  async #wait(head: Http2RequestHead, selectable: SelectableRequest): Promise<void> {
    const { context } = this.#owner
    const selection = context.dispatcher.select(selectable)
    const ticket = context.dispatcher.enter(selection.version, selection.by)
    this.#by = selection.by
    this.#ticket = ticket
    const waiting = new AbortController()
    this.#waiting = waiting
    const request = { method: head.method, text: this.#text, requestId: this.#requestId }
    const patience = navigates(request) ? context.settings().waitingPageAfter : Number.POSITIVE_INFINITY
    const claim = await new Attempts(ticket, head.method, !this.#isWhole).next(patience, () => waiting.signal)
    this.#waiting = null
    if (this.#hasEnded) claim.release()
    else this.#carry(head, { selection, claim, ticket })
  }

  #carry({ method, contentLength }: Http2RequestHead, entry: ReadyEntry): void {
    const { context, workers, turn } = this.#owner
    this.#ticket = entry.ticket
    this.#by = entry.selection.by
    const hasBody = !this.#isWhole && contentLength !== 0
    const body = hasBody ? this.#reader.bodyOf(contentLength, context.settings().maxBodySize) : none
    if (!this.#isWhole && !hasBody) this.#reader.awaitEnd()
    const text = applySelection(this.#text, entry.selection)
    const request = { method, text, sentTarget: this.#path, requestId: this.#requestId, entry, hasBody, body }
    turn.enter()
    this.#exchange = new FastExchange(context, workers, this, request)
    this.#exchange.start()
  }

  onAnswered(): void {
    if (this.#reader.isReceived) return
    // RFC 9113 8.1: an answer that is whole says that nobody wants the rest of the request. Not `close` at once: where the client
    // takes nothing of the answer, the stream could not be ended with another code any more.
    this.#reader.discard()
    const close = (): void => this.#stream.close(constants.NGHTTP2_NO_ERROR)
    if (this.#stream.writableFinished) close()
    else this.#stream.once('finish', close)
  }

  onDrain(): void {
    this.#stalledSince = 0
    this.#exchange?.onClientDrain()
  }

  #onClose(): void {
    const { aborted, rstCode } = this.#stream
    const wasReset = !this.#isResetByUs && (aborted || rstCode !== constants.NGHTTP2_NO_ERROR)
    this.#waiting?.abort(new Error('the client has left'))
    this.#exchange?.abort()
    this.#account()
    this.#owner.onStreamEnd(this, wasReset)
    // The library's own table of streams has that trouble too (stream-list.ts): little must hang on them.
    this.#exchange = null
  }

  #reset(code: number): void {
    this.#isResetByUs = true
    if (!this.#stream.destroyed) this.#stream.close(code)
  }

  /** Answers what no worker is asked. */
  #answer({ status, fields, body }: OwnAnswer): void {
    this.#status = status
    this.outlet.answer({ status, headers: [...fields, 'X-Request-Id', this.#requestId], body: Buffer.from(body) })
    this.#account()
  }

  /** Answers in place of a worker, where nobody has been asked yet. */
  #refuse(error: unknown): void {
    if (this.#hasEnded) return
    const refusal = error instanceof Refusal ? error : new Refusal('INTERNAL', { cause: error })
    this.#owner.context.refusals.count(refusal.code)
    const requestId = this.#requestId
    if (refusal.code === 'INTERNAL') this.#owner.context.log.error({ err: error, requestId }, 'a request failed')
    const answer =
      this.#head === null
        ? composeAnswer(refusal, { requestId, prefersHtml: prefersHtml(undefined) })
        : refusalAnswer(
            refusal,
            { method: this.#head.method, text: this.#text, requestId },
            this.#ticket?.version ?? null,
          )
    this.#status = answer.status
    this.outlet.answer(answer)
    this.#account()
  }

  /** The client's, as far as it is known. */
  #address(): string {
    const { context, peer } = this.#owner
    return clientAddress(peer, context.trustedPeers(), () => earlierForwarding(this.#head?.fields ?? []))
  }

  /** The request is over: counts it, and logs it. */
  #account(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    const { context, turn } = this.#owner
    if (this.#exchange !== null) turn.leave()
    const status = this.#exchange?.status ?? this.#status
    this.#ticket?.leave(status)
    context.accessLog()?.add({
      time: new Date(this.#startedAt).toISOString(),
      requestId: this.#requestId,
      client: this.#address(),
      method: this.#method,
      target: this.#path,
      status,
      bytes: this.outlet.bytesSent,
      duration: Date.now() - this.#startedAt,
      version: this.#ticket?.version ?? null,
      by: this.#by,
      worker: this.#exchange?.tries.target.id ?? null,
      retries: this.#exchange?.tries.retries ?? 0,
    })
  }
}
