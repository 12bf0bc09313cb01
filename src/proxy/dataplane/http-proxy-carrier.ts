import { ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { isIPv6 } from 'node:net'
import httpProxy from 'http-proxy'
import type { Target } from '../routing/route-table.ts'
import { follow } from './carried-request.ts'
import type { Carrier, CarryJob } from './carrier.ts'
import { hasField } from './end-to-end-headers.ts'
import type { Turn } from './fast/turn.ts'
import { fileNameFirst } from './file-name-first.ts'
import { SilenceWatch } from './silence-watch.ts'
import { TargetAgent } from './target-agent.ts'

type Passes = { webPasses: Array<{ readonly name: string }> }

/**
 * Carries requests through `http-proxy`: the only file that knows it. It makes the request to the worker; everything that
 * it gets wrong (docs/adr/0001) is kept from it:
 * - its passes that rewrite the request are taken out: `deleteLength` turns the chunked body of a DELETE or OPTIONS into
 *   a second request, which is request smuggling;
 * - the options that it makes for `http.request` are an object of ours (`ssl`, whatever the protocol), which keeps path and
 *   header lines exactly as they shall be sent;
 * - it hands us the `ClientRequest` at once, because that is what it pipes `options.buffer` into;
 * - the answer is ours (`selfHandleResponse`), and so are errors, upgrades and clients that leave.
 */
export class HttpProxyCarrier implements Carrier {
  readonly #proxy = httpProxy.createProxyServer({ selfHandleResponse: true, toProxy: true, ignorePath: true })
  readonly #turn: Turn
  readonly #agents = new Map<string, TargetAgent>()
  readonly #silence = new SilenceWatch()
  readonly #outgoing = new OutgoingOptions()
  readonly #catcher = new RequestCatcher()

  constructor(turn: Turn) {
    this.#turn = turn
    keepQuietAboutExtend()
    const passes = this.#proxy as unknown as Passes
    passes.webPasses = passes.webPasses.filter(({ name }) => name === 'stream')
    if (passes.webPasses.length !== 1) throw new Error('http-proxy is not the version this was written for')
  }

  carry(job: CarryJob): () => void {
    const request = this.#open(job)
    try {
      request.maxHeadersCount = 0
      follow(request, job, this.#silence)
      if (!job.hasBody) request.end()
    } catch (error) {
      request.destroy() // its connection to the worker would stay open for ever
      throw error
    }
    return () => request.destroy()
  }

  check(now: number, connectTimeout: number): void {
    this.#silence.check(now)
    for (const agent of this.#agents.values()) agent.sweep(now, connectTimeout)
  }

  closeIdle(target: Target): void {
    // Those in use stay with their requests, and are closed when they become free.
    const agent = this.#agents.get(target.id)
    this.#agents.delete(target.id)
    agent?.retire()
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy()
    this.#agents.clear()
  }

  #open(job: CarryJob): ClientRequest {
    const { host, port } = job.target
    const target = { protocol: 'http:', host, port }
    const options = { target, agent: this.#agentOf(job.target), ssl: this.#outgoing, buffer: this.#catcher }
    this.#outgoing.job = job
    blank.method = job.method
    this.#proxy.web(blank, blank, options as object, ignore)
    const request = this.#catcher.take()
    // Those of http-proxy, which have nothing to do here; and one listener of an event is cheaper than two.
    request.removeAllListeners()
    return request
  }

  #agentOf(target: Target): TargetAgent {
    let agent = this.#agents.get(target.id)
    if (agent === undefined) {
      agent = new TargetAgent(target, this.#turn)
      this.#agents.set(target.id, agent)
    }
    return agent
  }
}

function ignore(): void {}

/**
 * Stands for request and answer, which http-proxy has no business with; one for all, since it is read only while a request is
 * being opened. An `IncomingMessage` for each would be a stream more, and 4 % of a request's CPU time.
 */
const blank = {
  method: '',
  url: '/',
  headers: {},
  on: ignore,
  socket: { destroyed: false },
} as unknown as IncomingMessage & ServerResponse

/**
 * What http-proxy fills in for `http.request`. Path and header lines stay those of the job: lines that are handed to the
 * constructor are written as they are, without an object and two checks for each (`setHeader`: 6 % of a request's CPU time).
 */
class OutgoingOptions {
  job: CarryJob | null = null
  /** Whatever NODE_OPTIONS say for the sake of some worker. */
  readonly insecureHTTPParser = false

  constructor() {
    // `http.request` copies own properties only.
    Object.defineProperties(this, {
      job: { writable: true, enumerable: false },
      path: { enumerable: true, get: () => this.job?.path, set: ignore },
      headers: { enumerable: true, get: () => this.job && fileNameFirst(withHost(this.job)), set: ignore },
    })
  }

  // What http-proxy copies of the options of a target with TLS: what is not there need not be copied on.
  set hostname(_: unknown) {}
  set socketPath(_: unknown) {}
  set pfx(_: unknown) {}
  set key(_: unknown) {}
  set passphrase(_: unknown) {}
  set cert(_: unknown) {}
  set ca(_: unknown) {}
  set ciphers(_: unknown) {}
  set secureProtocol(_: unknown) {}
  set localAddress(_: unknown) {}
}

/** HTTP/1.1 is not without `Host`, as HTTP/1.0 may have been: then it names the worker itself. */
function withHost({ lines, target: { host, port } }: CarryJob): string[] {
  return hasField(lines, 'host') ? lines : ['Host', `${isIPv6(host) ? `[${host}]` : host}:${port}`, ...lines]
}

/** Stands where http-proxy expects a body, and gets the request that the body would be piped into. */
class RequestCatcher {
  #request: ClientRequest | null = null

  pipe<T>(destination: T): T {
    if (destination instanceof ClientRequest) this.#request = destination
    return destination
  }

  take(): ClientRequest {
    const request = this.#request
    this.#request = null
    if (request === null) throw new Error('http-proxy opened no request')
    return request
  }
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
