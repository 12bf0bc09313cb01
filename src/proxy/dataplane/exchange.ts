import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ErrorCode } from '../../common/errors.ts'
import type { Selection } from '../routing/selection.ts'
import { composeAnswer, isNavigation, prefersHtml } from './answer.ts'
import { addSelectionHeaders, applyToLines } from './apply-selection.ts'
import { guardBody, isTooLong } from './body-guard.ts'
import type { Carrier } from './carrier.ts'
import { type CheckedRequest, checkRequest } from './check-request.ts'
import type { Run } from './client-connection.ts'
import { Delivery } from './delivery.ts'
import { Departure } from './departure.ts'
import type { Ticket } from './dispatcher.ts'
import type { Turn } from './fast/turn.ts'
import { finishAnswer } from './finish-answer.ts'
import { clientAddress, earlierForwarding } from './forwarding.ts'
import type { ForwardingFields } from './forwarding-fields.ts'
import { isHttp10 } from './http-version.ts'
import type { LaneContext } from './lane.ts'
import { countForward } from './max-forwards.ts'
import { type OwnAnswer, ownAnswer } from './own-answer.ts'
import type { Peer } from './peer.ts'
import { Refusal } from './refusal.ts'
import { relayAnswer, resetClient } from './relay-answer.ts'
import { relayInformation } from './relay-information.ts'
import { requestIdOf } from './request-id.ts'
import { SelectableLines } from './selectable-lines.ts'
import { splice, switchingHead } from './splice.ts'
import type { Claim } from './targets.ts'
import { requestHead, workerRequestLines } from './worker-request.ts'

type Accepted = Exclude<CheckedRequest, { error: unknown }>

export interface ExchangeOptions {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** Where the client wants to change the protocol: to what, and the bytes that came after the head. */
  readonly upgrade: { readonly protocol: string; readonly head: Buffer } | null
  readonly peer: Peer
  readonly forwarding: ForwardingFields
  readonly context: LaneContext
  readonly carrier: Carrier
  readonly turn: Turn
  /** Whether the connection is to be closed after this answer. */
  isLast(): boolean
  /** Everything about the request is over. */
  onEnd(): void
}

/** One request of the general lane, from its head to the end of its answer. */
export class Exchange implements Run {
  readonly #options: ExchangeOptions
  readonly #requestId: string
  readonly #startedAt = Date.now()
  readonly #hasBody: boolean
  readonly #departure = new Departure()
  readonly #sentBefore: number
  #ticket: Ticket | null = null
  #selection: Selection | null = null
  #delivery: Delivery | null = null
  #isSpliced = false
  #hasEnded = false

  constructor(options: ExchangeOptions) {
    this.#options = options
    const { req } = options
    this.#requestId = requestIdOf(req.headers['x-request-id'])
    const length = req.headers['content-length']
    this.#hasBody = req.headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) !== 0)
    this.#sentBefore = req.socket.bytesWritten
  }

  get isReceived(): boolean {
    return this.#options.req.complete
  }

  start(): void {
    const { req, res, turn } = this.#options
    turn.enter()
    res.on('error', ignore) // a client that leaves: seen by 'close'
    res.on('close', () => {
      if (!res.writableFinished && !this.#isSpliced) this.#departure.leave()
      if (!this.#isSpliced) this.#end()
    })
    if (req.socket.destroyed) this.#end()
    else this.#begin()
  }

  abandon(code: ErrorCode = 'BAD_REQUEST'): void {
    this.#refuse(new Refusal(code))
    this.#departure.leave()
    if (this.#hasEnded) this.#options.req.socket.destroy() // answered long ago, and nobody wants the rest
  }

  #begin(): void {
    try {
      this.#run()
    } catch (error) {
      this.#afterRead(() => this.#refuse(error))
    }
  }

  /**
   * The parser is in the middle of what has been read. Where that may hold all of a body, or nonsense in place of it, we do nothing
   * before it is done.
   */
  #afterRead(step: () => void): void {
    if (this.#hasBody) queueMicrotask(step)
    else step()
  }

  #run(): void {
    const { req, context } = this.#options
    const head = {
      method: req.method ?? '',
      target: req.url ?? '',
      isHttp10: isHttp10(req),
      rawHeaders: req.rawHeaders,
    }
    if (req.httpVersionMajor !== 1) throw new Refusal('BAD_REQUEST') // whose head means what? (RFC 9112 2.3)
    const checked = checkRequest(head)
    if ('error' in checked) throw new Refusal(checked.error)
    const settings = context.settings()
    const { method, rawHeaders } = req
    const asked = { method, rawHeaders, path: checked.path, host: checked.authority ?? checked.host }
    const own = ownAnswer(settings, asked, context.isReady)
    if (own !== null) {
      this.#answer(own)
      return
    }
    if (isTooLong(Number(req.headers['content-length'] ?? 0), settings.maxBodySize)) {
      throw new Refusal('REQUEST_TOO_LARGE')
    }
    const host = checked.authority ?? checked.host ?? ''
    const lines = { method: head.method, target: checked.path, host, lines: req.rawHeaders }
    const selection = context.dispatcher.select(
      new SelectableLines(lines, settings.versionHeader, () => this.#address()),
    )
    this.#selection = selection
    this.#ticket = context.dispatcher.enter(selection.version, selection.by)
    if (this.#hasBody) guardBody(req, settings, (code) => this.abandon(code))
    this.#deliver(checked, selection, this.#ticket)
  }

  #deliver(checked: Accepted, selection: Selection, ticket: Ticket): void {
    const { req, res, upgrade, context, carrier, turn } = this.#options
    const path = selection.target ?? checked.path
    const lines = applyToLines(this.#workerLines(checked), selection)
    if (!this.#hasBody && upgrade === null) {
      const method = req.method ?? ''
      context.mirror()?.offer(method, selection, () => requestHead(method, path, lines))
    }
    const delivery = new Delivery({
      req,
      path,
      lines,
      hasBody: this.#hasBody,
      ticket,
      departure: this.#departure,
      context,
      carrier,
      listener: {
        onInformation: (status, reason, lines) => relayInformation(req, res, status, reason, lines),
        onAnswer: (answer) => relayAnswer(answer, res, this.#ownHeaders(true), turn),
        onUpgrade: (answer, socket, head, claim) => this.#switch(answer, socket, head, claim),
        onRefused: (error) => this.#refuse(error),
        onDone: () => {
          // The worker is done and the client still sends: nobody wants the rest.
          if (this.#hasBody && res.headersSent && !req.complete) req.unpipe().resume()
        },
      },
    })
    this.#delivery = delivery
    this.#afterRead(() => delivery.begin())
  }

  /** The client's, as far as it is known. */
  #address(): string {
    const { req, peer, context } = this.#options
    return clientAddress(peer, context.trustedPeers(), () => earlierForwarding(req.rawHeaders))
  }

  #workerLines({ authority, host }: Accepted): string[] {
    const { req, peer, forwarding, context, upgrade } = this.#options
    return workerRequestLines({
      method: req.method ?? '',
      rawHeaders: countForward(req.method, req.rawHeaders),
      forwarding,
      isPeerTrusted: context.trustedPeers().has(peer.address),
      requestId: this.#requestId,
      authority,
      host,
      hasBody: this.#hasBody,
      isChunked: req.headers['transfer-encoding'] !== undefined,
      isHttp10: isHttp10(req),
      upgrade: upgrade?.protocol ?? null,
    })
  }

  /** Header lines that the gateway adds to an answer. */
  #ownHeaders(isOfWorker: boolean): string[] {
    const { context, isLast } = this.#options
    const headers = ['X-Request-Id', this.#requestId]
    if (isOfWorker && this.#selection !== null) {
      // An upgraded connection is its version's until it ends: there is nothing to keep for it.
      const selection = this.#isSpliced ? { ...this.#selection, cookies: [] } : this.#selection
      addSelectionHeaders(headers, selection, context.settings().servedVersionHeader)
    }
    if (isLast() && !this.#isSpliced) headers.push('Connection', 'close')
    return headers
  }

  #switch(answer: IncomingMessage, worker: Socket, workerHead: Buffer, claim: Claim): void {
    const { req, res, upgrade, context } = this.#options
    const client = req.socket
    if (upgrade === null || client.destroyed) {
      worker.destroy()
      claim.release()
      if (!client.destroyed) this.#refuse(new Refusal('TARGET_BAD_ANSWER'))
      return
    }
    this.#isSpliced = true
    res.statusCode = 101
    res.detachSocket(client)
    client.write(switchingHead(answer.rawHeaders, this.#ownHeaders(true)))
    if (workerHead.length > 0) client.write(workerHead)
    if (upgrade.head.length > 0) worker.write(upgrade.head)
    splice(client, worker, context.settings().upgradeIdleTimeout)
    worker.once('close', () => claim.release())
    client.once('close', () => this.#end())
  }

  /** Answers what no worker is asked. */
  #answer({ status, fields, body }: OwnAnswer): void {
    const { req, res, isLast } = this.#options
    const headers = [...fields, ...this.#ownHeaders(false)]
    if (this.#isSending() && !isLast()) headers.push('Connection', 'close')
    res.writeHead(status, headers)
    if (body !== '' && req.method !== 'HEAD') res.write(body)
    finishAnswer(req, res, this.#isSending())
  }

  /** Answers in place of a worker; where an answer has begun already, cuts it off. */
  #refuse(error: unknown): void {
    const { req, res, context, isLast } = this.#options
    if (this.#hasEnded || this.#isSpliced || res.destroyed || this.#departure.hasLeft) return
    const refusal = error instanceof Refusal ? error : new Refusal('INTERNAL', { cause: error })
    if (refusal.code === 'INTERNAL') context.log.error({ err: error, requestId: this.#requestId }, 'a request failed')
    context.refusals.count(refusal.code)
    if (res.headersSent) {
      resetClient(res)
      return
    }
    const navigates = isNavigation(req.method ?? '', req.headers)
    const waitsFor = refusal.code === 'VERSION_STARTING' && navigates ? this.#ticket?.version : undefined
    const answer = composeAnswer(refusal, {
      requestId: this.#requestId,
      prefersHtml: prefersHtml(req.headers.accept),
      ...(waitsFor === undefined ? {} : { waitingFor: waitsFor }),
    })
    if (isLast() || this.#isSending() || refusal.endsConnection) answer.headers.push('Connection', 'close')
    res.writeHead(answer.status, answer.headers)
    if (req.method !== 'HEAD') res.write(answer.body)
    finishAnswer(req, res, this.#isSending())
  }

  /** Whether the client has not sent the whole body yet. */
  #isSending(): boolean {
    return this.#hasBody && !this.#options.req.complete
  }

  #end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    const { req, res, context, turn, onEnd } = this.#options
    turn.leave()
    const status = res.headersSent || this.#isSpliced ? res.statusCode : 0
    this.#ticket?.leave(status)
    context.accessLog()?.add({
      time: new Date(this.#startedAt).toISOString(),
      requestId: this.#requestId,
      client: this.#address(),
      method: req.method ?? '',
      target: req.url ?? '',
      status,
      bytes: req.socket.bytesWritten - this.#sentBefore,
      duration: Date.now() - this.#startedAt,
      version: this.#ticket?.version ?? null,
      by: this.#selection?.by ?? null,
      worker: this.#delivery?.worker ?? null,
      retries: this.#delivery?.retries ?? 0,
    })
    onEnd()
  }
}

function ignore(): void {}
