import type { IncomingMessage, ServerResponse } from 'node:http'
import { CserviceError, toCserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { AccessKeys, KeyRights } from './access.ts'
import type { Caller } from './command.ts'
import type { CommandRegistry } from './command-registry.ts'
import type { EventStreams } from './event-streams.ts'
import { FailureLimit } from './failure-limit.ts'
import { drainBody, readBody } from './request-body.ts'
import { isForwarded, isLoopback, suspicion } from './request-guard.ts'
import { type RestAnswer, refuse, succeed, writeAnswer } from './rest-answer.ts'

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
  readonly log: Log
}

interface Admitted {
  readonly caller: Caller
  readonly rights?: KeyRights
}

/** Writes an answer that has no end by itself. */
type Stream = (res: ServerResponse) => void

type Place = 'identity' | 'events' | 'commands'

/**
 * The answers of REST (CONTRACT "REST", LEGACY 3): commands at `POST /cli?cmd=…`, what happens at `GET /events`, and who we
 * are at `GET /cservice`.
 */
export class Rest {
  readonly #options: RestOptions
  readonly #failures = new FailureLimit()

  constructor(options: RestOptions) {
    this.#options = options
  }

  /** Answers one request, whatever happens. A client that leaves does not stop its command. */
  async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const answer = await this.#answer(req).catch((error: unknown) => this.#unforeseen(error))
    if (typeof answer === 'function') return answer(res)
    if (answer.error) await drainBody(req)
    writeAnswer(res, answer, req.headers['x-cservice'] === '1')
  }

  async #answer(req: IncomingMessage): Promise<RestAnswer | Stream> {
    const url = req.url ?? ''
    const place = placeOf(url)
    if (place === null) return refuse(404, 'Page Not Found', new CserviceError('BAD_REQUEST', 'Page Not Found'))
    const method = place === 'commands' ? 'POST' : 'GET'
    if (req.method !== method && !(place === 'commands' && this.#options.allowHttpGet)) {
      const error = new CserviceError('BAD_REQUEST', 'Method Not Allowed')
      return refuse(405, 'Method Not Allowed', error, { allow: method })
    }
    const suspect = suspicion(req, this.#options.host)
    if (suspect) {
      const text = `Not authorized: ${suspect}`
      return refuse(401, text, new CserviceError('NOT_AUTHORISED', text))
    }
    if (place === 'identity') {
      return { status: 200, text: JSON.stringify(this.#options.identity), result: this.#options.identity }
    }
    const query = new URLSearchParams(url.slice(url.indexOf('?') + 1))
    return place === 'events' ? this.#watch(req, query) : await this.#command(req, query)
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

  async #command(req: IncomingMessage, query: URLSearchParams): Promise<RestAnswer> {
    const admitted = this.#admit(req, query)
    if ('status' in admitted) return admitted
    const id = req.headers['x-cservice-call']
    if (id !== undefined && !/^[A-Za-z0-9-]{1,64}$/.test(String(id))) {
      const text = 'x-cservice-call must be 1 to 64 letters, digits and dashes'
      return refuse(400, text, new CserviceError('BAD_REQUEST', text))
    }
    let body: string
    try {
      body = await readBody(req)
    } catch (error) {
      const failure = toCserviceError(error)
      return refuse(failure.status, failure.message, failure)
    }
    return await this.#run(query.getAll('cmd').join(' ') + body, admitted, id === undefined ? undefined : String(id))
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

  async #run(line: string, { caller, rights }: Admitted, id: string | undefined): Promise<RestAnswer> {
    const { registry } = this.#options
    let call: ReturnType<CommandRegistry['resolve']>
    try {
      call = registry.resolve(line, caller, { rights, id })
    } catch (error) {
      const failure = toCserviceError(error)
      if (failure.code === 'UNKNOWN_COMMAND') return refuse(404, 'Not found. Try /help', failure)
      return refuse(failure.code === 'NOT_AUTHORISED' ? 401 : 400, failure.message, failure)
    }
    try {
      return succeed(await registry.execute(call))
    } catch (error) {
      const failure = toCserviceError(error)
      return refuse(400, failure.message, failure)
    }
  }

  #unforeseen(error: unknown): RestAnswer {
    this.#options.log.error({ err: error }, 'a request to REST failed')
    const failure = new CserviceError('INTERNAL')
    return refuse(500, failure.message, failure)
  }
}

/** `/cli?…` literally, as ever: neither `/cli` nor `/cli/`. */
function placeOf(url: string): Place | null {
  if (url.startsWith('/cli?')) return 'commands'
  if (url === '/events' || url.startsWith('/events?')) return 'events'
  return url === '/cservice' ? 'identity' : null
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
