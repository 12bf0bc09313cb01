import type { IncomingMessage, ServerResponse } from 'node:http'
import { CserviceError, toCserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { AccessKeys, KeyRights } from './access.ts'
import { ByteAnswer } from './byte-answer.ts'
import type { ByteRoute, Caller, Command } from './command.ts'
import type { CallOptions, CommandRegistry } from './command-registry.ts'
import type { EventStreams } from './event-streams.ts'
import { FailureLimit } from './failure-limit.ts'
import { answerProbe, isProbePath, type ProbePath, type Probes } from './probes.ts'
import { RequestBody } from './request-body.ts'
import { isForwarded, isLoopback, suspicion } from './request-guard.ts'
import { type RestAnswer, refuse, succeed, writeAnswer, writeBytes } from './rest-answer.ts'

/** Who may come in: whoever has a key, or (the control socket) whoever could open the connection. */
export type Entrance =
  | { readonly kind: 'key'; readonly keys: AccessKeys }
  | { readonly kind: 'open'; readonly caller: Caller }

export interface RestOptions {
  readonly registry: CommandRegistry
  readonly entrance: Entrance
  /** The watchers that came in here. */
  readonly streams: EventStreams
  /** Whether commands may come by any method, not by POST alone. */
  readonly allowHttpGet: boolean
  /** The host that is configured: a name under which requests may come. */
  readonly host: string
  /** Said at `GET /cservice`, so that a client recognises us before it sends a key. */
  readonly identity: {
    readonly service: 'cservice'
    readonly version: string
    readonly pid: number
    readonly control: number
  }
  /** What `/healthz` and `/readyz` ask. */
  readonly probes: Probes
  readonly log: Log
}

interface Admitted {
  readonly caller: Caller
  readonly rights?: KeyRights
}

/** Writes an answer that has no end by itself. */
type Stream = (res: ServerResponse) => void

type Place = 'identity' | 'events' | 'commands' | ProbePath | FoundRoute

interface FoundRoute {
  readonly command: Command
  readonly route: ByteRoute
}

/**
 * The answers of REST (CONTRACT "REST", LEGACY 3): commands at `POST /cli?cmd=…`, what happens at `GET /events`, who we are at
 * `GET /cservice`, whether we are well at `GET /healthz` and `GET /readyz`, and commands that bytes come with, or that answer bytes, at the paths that they name.
 */
export class Rest {
  readonly #options: RestOptions
  readonly #failures = new FailureLimit()

  constructor(options: RestOptions) {
    this.#options = options
  }

  /** Answers one request, whatever happens. A client that leaves does not stop its command. */
  async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = new RequestBody(req, res)
    const answer = await this.#answer(req, body).catch((error: unknown) => this.#unforeseen(error))
    if (typeof answer === 'function') return answer(res)
    writeAnswer(res, answer, req.headers['x-cservice'] === '1')
    await body.drain()
    res.end()
  }

  async #answer(req: IncomingMessage, body: RequestBody): Promise<RestAnswer | Stream> {
    const url = req.url ?? ''
    const place = this.#placeOf(url)
    if (place === null) return refuse(404, 'Page Not Found', new CserviceError('BAD_REQUEST', 'Page Not Found'))
    const method = typeof place === 'object' ? place.route.method : place === 'commands' ? 'POST' : 'GET'
    const isAllowed =
      req.method === method ||
      (place === 'commands' && this.#options.allowHttpGet) ||
      (isProbe(place) && req.method === 'HEAD')
    if (!isAllowed) {
      const error = new CserviceError('BAD_REQUEST', 'Method Not Allowed')
      return refuse(405, 'Method Not Allowed', error, { allow: method })
    }
    const query = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '')
    // A load balancer may name any host, or none (HTTP/1.0), and learns one word that is no secret.
    const isKeyless = this.#options.entrance.kind === 'key' && givenKeys(req, query).length === 0
    if (isProbe(place) && isKeyless) return answerProbe(this.#options.probes, place, false)
    const suspect = suspicion(req, this.#options.host)
    if (suspect) {
      const text = `Not authorized: ${suspect}`
      return refuse(401, text, new CserviceError('NOT_AUTHORISED', text))
    }
    if (isProbe(place)) return this.#probe(req, query, place)
    if (place === 'identity') {
      return { status: 200, text: JSON.stringify(this.#options.identity), result: this.#options.identity }
    }
    if (typeof place === 'object') return await this.#byRoute(req, query, body, place)
    return place === 'events' ? this.#watch(req, query) : await this.#command(req, query, body)
  }

  /** For whoever has a key, or came by the control socket: with the reasons, if that one may know of `health`. */
  #probe(req: IncomingMessage, query: URLSearchParams, path: ProbePath): RestAnswer {
    const admitted = this.#admit(req, query)
    if ('status' in admitted) return admitted
    const { registry, probes } = this.#options
    return answerProbe(probes, path, registry.mayRun('health', admitted.caller, admitted.rights))
  }

  #watch(req: IncomingMessage, query: URLSearchParams): RestAnswer | Stream {
    const { registry, streams } = this.#options
    const admitted = this.#admit(req, query)
    if ('status' in admitted) return admitted
    try {
      streams.admit()
    } catch (error) {
      const failure = toCserviceError(error)
      return refuse(failure.status, failure.message, failure, { 'retry-after': '10' })
    }
    const lastEventId = req.headers['last-event-id']
    return (res) =>
      streams.open(res, {
        maySee: (command) => registry.mayRun(command, admitted.caller, admitted.rights),
        ...(typeof lastEventId === 'string' ? { lastEventId } : {}),
      })
  }

  async #command(req: IncomingMessage, query: URLSearchParams, body: RequestBody): Promise<RestAnswer | Stream> {
    const admitted = this.#admit(req, query)
    if ('status' in admitted) return admitted
    const id = callIdOf(req)
    if (typeof id === 'object') return id
    let text: string
    try {
      text = await body.text()
    } catch (error) {
      const failure = toCserviceError(error)
      return refuse(failure.status, failure.message, failure)
    }
    return await this.#run(query.getAll('cmd').join(' ') + text, admitted, { id })
  }

  /** A command with a way of its own. Whether the caller may run it is settled before a byte is read. */
  async #byRoute(
    req: IncomingMessage,
    query: URLSearchParams,
    body: RequestBody,
    { command, route }: FoundRoute,
  ): Promise<RestAnswer | Stream> {
    const admitted = this.#admit(req, query)
    if ('status' in admitted) return admitted
    const id = callIdOf(req)
    if (typeof id === 'object') return id
    query.delete('accessKey')
    let words: string[]
    try {
      words = route.toWords(query)
    } catch (error) {
      const failure = toCserviceError(error)
      return refuse(400, failure.message, failure)
    }
    const bytes = route.method === 'POST' ? body.bytes() : undefined
    return await this.#run([command.name, ...words], admitted, { id, body: bytes })
  }

  #admit(req: IncomingMessage, query: URLSearchParams): RestAnswer | Admitted {
    const { entrance, log } = this.#options
    if (entrance.kind === 'open') return { caller: entrance.caller }
    const address = req.socket.remoteAddress ?? ''
    const wait = this.#failures.waitOf(address)
    if (wait > 0) {
      const error = new CserviceError('TOO_MANY_FAILURES')
      return refuse(429, error.message, error, { 'retry-after': String(Math.ceil(wait / 1000)) })
    }
    const keys = givenKeys(req, query)
    const rights = keys.length === 1 ? entrance.keys.find(keys[0] ?? '') : null
    if (rights) {
      const isLocal = isLoopback(address) && !isForwarded(req)
      const name = rights.name === null ? address : `${address} (${rights.name})`
      return { caller: { level: isLocal ? 'local' : 'remote', name }, rights }
    }
    if (keys.length > 0) {
      this.#failures.record(address)
      log.warn({ address }, 'a command came with a wrong access key')
    }
    return refuse(401, 'Not authorized', new CserviceError('NOT_AUTHORISED'), { 'www-authenticate': 'Bearer' })
  }

  async #run(
    line: string | readonly string[],
    { caller, rights }: Admitted,
    options: Pick<CallOptions, 'id' | 'body'>,
  ): Promise<RestAnswer | Stream> {
    const { registry } = this.#options
    let call: ReturnType<CommandRegistry['resolve']>
    try {
      call = registry.resolve(line, caller, { rights, ...options })
    } catch (error) {
      const failure = toCserviceError(error)
      if (failure.code === 'UNKNOWN_COMMAND') return refuse(404, 'Not found. Try /help', failure)
      return refuse(failure.code === 'NOT_AUTHORISED' ? 401 : 400, failure.message, failure)
    }
    try {
      const result = await registry.execute(call)
      if (result instanceof ByteAnswer && typeof line !== 'string') return (res) => writeBytes(res, result)
      return succeed(result)
    } catch (error) {
      const failure = toCserviceError(error)
      return refuse(400, failure.message, failure)
    }
  }

  /** `/cli?…` literally, as ever: neither `/cli` nor `/cli/`. */
  #placeOf(url: string): Place | null {
    if (url.startsWith('/cli?')) return 'commands'
    const path = url.split('?', 1)[0] ?? ''
    if (path === '/events') return 'events'
    if (url === '/cservice') return 'identity'
    if (isProbePath(path)) return path
    return this.#options.registry.findRoute(path) ?? null
  }

  #unforeseen(error: unknown): RestAnswer {
    this.#options.log.error({ err: error }, 'a request to REST failed')
    const failure = new CserviceError('INTERNAL')
    return refuse(500, failure.message, failure)
  }
}

function isProbe(place: Place): place is ProbePath {
  return typeof place === 'string' && isProbePath(place)
}

/** What the client calls this call; undefined: nothing. */
function callIdOf(req: IncomingMessage): RestAnswer | string | undefined {
  const id = req.headers['x-cservice-call']
  if (id === undefined || /^[A-Za-z0-9-]{1,64}$/.test(String(id))) return id === undefined ? undefined : String(id)
  const text = 'x-cservice-call must be 1 to 64 letters, digits and dashes'
  return refuse(400, text, new CserviceError('BAD_REQUEST', text))
}

/** Every key that a request gives, in the header or in the query. More than one is as good as none. */
function givenKeys(req: IncomingMessage, query: URLSearchParams): string[] {
  const bearer = /^bearer +(.+)$/i.exec(req.headers.authorization ?? '')?.[1]
  // Header values arrive byte by byte; a key is UTF-8, as it is in the query.
  return [
    ...query.getAll('accessKey'),
    ...(bearer === undefined ? [] : [Buffer.from(bearer, 'latin1').toString('utf8')]),
  ]
}
