import type { AttemptFailure } from '../attempts.ts'
import type { LaneContext } from '../lane.ts'
import { Refusal } from '../refusal.ts'
import type { Body } from './body.ts'
import type { ClientSide } from './client-side.ts'
import type { FastRequest } from './fast-request.ts'
import { nowhere } from './outlet.ts'
import { ownHeaders } from './own-headers.ts'
import type { ReadMemory } from './read-memory.ts'
import { navigates } from './refusal-message.ts'
import { RelayedAnswer } from './relayed-answer.ts'
import { SentRequest } from './sent-request.ts'
import { StallWatch } from './stall-watch.ts'
import { Tries } from './tries.ts'
import type { WorkerConnection, WorkerUser } from './worker-connection.ts'
import type { WorkerConnections } from './worker-connections.ts'

/** One request that is carried as bytes, from its head to the end of its answer. */
export class FastExchange implements WorkerUser {
  readonly #context: LaneContext
  readonly #workers: WorkerConnections
  readonly #client: ClientSide
  readonly request: FastRequest
  readonly tries: Tries
  readonly #body: Body
  #worker: WorkerConnection | null = null
  readonly #sent: SentRequest
  #answer: RelayedAnswer
  readonly #watch: StallWatch
  /** Whether the answer says so: a connection must not be closed without a word, as the next request may be on its way. */
  #saysClose = false
  #hasEnded = false

  constructor(context: LaneContext, workers: WorkerConnections, client: ClientSide, request: FastRequest) {
    this.#context = context
    this.#workers = workers
    this.#watch = new StallWatch(workers.turn)
    this.#client = client
    this.request = request
    this.#body = request.body
    this.#sent = new SentRequest(request.text)
    this.tries = new Tries(request)
    this.#answer = this.#newAnswer()
  }

  /** Whether the request has been received whole. */
  get isReceived(): boolean {
    return this.#body.isComplete
  }

  /** Status of the answer that the client has the beginning of, or 0. */
  get status(): number {
    return this.#answer.status
  }

  start(): void {
    this.#connect()
    const { method, hasBody, text, entry } = this.request
    if (!hasBody) this.#context.mirror()?.offer(method, entry.selection, () => text)
  }

  #connect(): void {
    const worker = this.#workers.take(this.tries.target, this)
    this.#worker = worker
    this.#sent.aim(worker)
    this.#watch.restart()
    if (worker.isOpen) this.onOpen()
  }

  /**
   * Takes what has come of the body.
   * @returns the position behind what was taken: nothing while there is no connection that it could go to
   */
  takeBody(buffer: Buffer, start: number, end: number, memory: ReadMemory | null): number {
    // One that came whole with its head, and was taken back from a connection that ended, is in the text that goes to the next.
    if (this.#hasEnded || this.#body.isComplete) return start
    const worker = this.#worker
    if (worker === null && !this.#answer.isComplete) return start
    if (worker !== null && !worker.isOpen) return start
    const taken = this.#body.pass(buffer, start, end, worker?.outlet ?? nowhere, memory)
    this.#watch.move()
    if (this.#body.isOdd || this.#body.isTooLong) {
      this.#refuse(new Refusal(this.#body.isTooLong ? 'REQUEST_TOO_LARGE' : 'BAD_REQUEST'))
      return end
    }
    if (worker !== null) {
      this.#watch.ask()
      if (worker.outlet.flush()) this.#client.resume()
      else this.#client.pause()
    }
    if (this.#body.isComplete && this.#answer.isComplete) this.#end(this.#saysClose)
    return taken
  }

  /** The client says that this was the whole body, where that does not say so itself. */
  endBody(): void {
    const worker = this.#worker
    if (this.#hasEnded || this.#body.isComplete || worker?.isOpen === false) return
    if (!this.#body.finish(worker?.outlet ?? nowhere)) this.#refuse(new Refusal('BAD_REQUEST'))
    else {
      this.#watch.ask()
      worker?.outlet.flush()
      if (this.#answer.isComplete) this.#end(this.#saysClose)
    }
  }

  onOpen(): void {
    const worker = this.#worker
    if (worker === null) return
    this.#sent.begin(worker)
    if (this.request.hasBody) this.#client.offerBody()
    if (this.#worker !== worker || worker.socket.destroyed) return // the body was no body
    this.#watch.ask()
    if (!worker.outlet.flush()) this.#client.pause()
  }

  onBytes(memory: ReadMemory, length: number): void {
    const answer = this.#answer
    const worker = this.#worker
    if (worker === null) return
    if (this.#sent.isUnsent(worker)) {
      this.#dropWorker() // it cannot be an answer
      this.#sendElsewhere(worker, null)
      return
    }
    if (answer.isComplete) {
      this.#dropWorker() // nobody asked for more
      this.#onAnswered()
      return
    }
    this.#watch.restart()
    const hadHead = answer.hasHead
    if (!answer.take(memory, length)) {
      const wasSent = !this.#client.outlet.discard() || hadHead
      this.#onBadAnswer(wasSent)
      return
    }
    if (!hadHead && answer.hasHead) this.tries.succeed(answer.status)
    const { outlet } = this.#client
    const takesMore = answer.isComplete ? outlet.finish() : outlet.flush()
    if (answer.isComplete) this.#onAnswered()
    else if (!takesMore) worker.socket.pause()
  }

  onDrain(): void {
    this.#client.resume()
  }

  /** The client takes more again. */
  onClientDrain(): void {
    this.#worker?.socket.resume()
  }

  onGone(error: Error | null): void {
    const worker = this.#worker
    if (worker === null) return
    this.#worker = null
    const answer = this.#answer
    if (answer.isComplete) {
      this.#onAnswered()
      return
    }
    if (answer.hasHead) {
      if (error === null && answer.finish()) {
        this.#client.outlet.finish()
        this.#onAnswered()
      } else this.#break()
      return
    }
    if (this.#sent.isUnsent(worker)) {
      this.#sendElsewhere(worker, error)
      return
    }
    const kind = worker.isOpen ? 'sent' : 'connect'
    this.#fail({ kind, isReused: worker.hasServed, error: error ?? new Error('the connection ended') })
  }

  /** The client has left. */
  abort(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#dropWorker()
    this.tries.end()
  }

  /** Looks at the time: to be called now and then. */
  check(now: number): void {
    const worker = this.#worker
    const settings = this.#context.settings()
    const stalls = this.#watch.check(now, worker, this.#body, this.#answer, settings)
    if (stalls === 'client') this.#refuse(new Refusal('BODY_TIMEOUT'))
    else if (stalls === 'worker') {
      this.#dropWorker()
      const error = new Error(`no answer for ${settings.answerTimeout} ms`)
      this.#fail({ kind: 'silent', isReused: worker?.hasServed ?? false, error })
    }
  }

  /** The answer is whole. The worker still gets what is left of the body. */
  #onAnswered(): void {
    const worker = this.#worker
    if (!this.#body.isComplete) {
      if (worker === null) this.tries.release()
      this.#client.resume()
      return
    }
    // A worker that has answered before it could have the end of the request may take the rest for another one.
    if (worker !== null && this.#answer.leavesConnectionUsable && worker.outlet.isEmpty) {
      this.#worker = null
      if (worker.socket.isPaused()) worker.socket.resume()
      this.#workers.giveBack(worker, this.#answer.keepsFor)
    }
    this.#end(this.#saysClose) // drops a connection that cannot be used again
  }

  /** @param wasSent whether the client has seen some of it */
  #onBadAnswer(wasSent: boolean): void {
    const worker = this.#worker
    this.#dropWorker()
    if (wasSent) this.#break()
    else {
      this.#answer = this.#newAnswer()
      const error = new Error('the answer is no HTTP/1.1')
      this.#fail({ kind: 'bad answer', isReused: worker?.hasServed ?? false, error })
    }
  }

  /** Another connection gets what waited for the end of the turn on this one. */
  #sendElsewhere(worker: WorkerConnection, error: Error | null): void {
    this.#sent.takeBack(worker)
    this.#fail({ kind: 'unsent', isReused: true, error: error ?? new Error('the connection ended') })
  }

  #fail(failure: AttemptFailure): void {
    this.#recover(failure).catch((error: unknown) => this.#refuse(error))
  }

  /** Sends the request again, to whoever can be had, if that is allowed. */
  async #recover(failure: AttemptFailure): Promise<void> {
    this.tries.fail(failure)
    if (failure.kind === 'sent' || failure.kind === 'unsent') this.#workers.closeIdle(this.tries.target)
    const { waitingPageAfter } = this.#context.settings()
    const patience = navigates(this.request) ? waitingPageAfter : Number.POSITIVE_INFINITY
    if (!(await this.tries.next(patience))) return
    this.#answer = this.#newAnswer()
    this.#connect()
  }

  /** Answers in place of a worker; where an answer has begun already, cuts it off. */
  #refuse(error: unknown): void {
    if (this.#hasEnded) return
    this.#dropWorker()
    const refusal = error instanceof Refusal ? error : new Refusal('INTERNAL', { cause: error })
    this.#context.refusals.count(refusal.code)
    if (this.#answer.isComplete) this.#end(true)
    else if (this.#answer.hasHead) this.#break()
    else {
      const { requestId } = this.request
      if (refusal.code === 'INTERNAL') this.#context.log.error({ err: error, requestId }, 'a request failed')
      const closes = this.#client.isLast() || !this.#body.isComplete || refusal.endsConnection
      this.#answer.setStatus(this.#client.outlet.refuse(refusal, this.request, closes))
      this.#end(closes)
    }
  }

  #end(closes: boolean): void {
    if (this.#hasEnded) return
    this.#finish()
    this.#client.onEnd(closes)
  }

  #break(): void {
    if (this.#hasEnded) return
    this.#finish()
    this.#client.onBroken()
  }

  #finish(): void {
    this.#hasEnded = true
    this.#dropWorker()
    this.tries.end()
  }

  #dropWorker(): void {
    this.#worker?.destroy()
    this.#worker = null
  }

  #newAnswer(): RelayedAnswer {
    return new RelayedAnswer(this.#client.outlet, this.request.method === 'HEAD', () => this.#ownHeaders())
  }

  #ownHeaders(): string[] {
    this.#saysClose = this.#client.isLast()
    return ownHeaders(this.request, this.#context.settings().servedVersionHeader, this.#saysClose)
  }
}
