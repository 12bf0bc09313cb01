import type { IncomingMessage, ServerResponse } from 'node:http'
import { CserviceError, toCserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { AccessKeys, KeyRights } from './access.ts'
import type { Caller } from './command.ts'
import type { CommandRegistry } from './command-registry.ts'
import { FailureLimit } from './failure-limit.ts'
import { drainBody, readBody } from './request-body.ts'
import { isLoopback, suspicion } from './request-guard.ts'
import { type RestAnswer, refuse, succeed, writeAnswer } from './rest-answer.ts'

/** Who may come in: whoever has a key, or (the control socket) whoever could open the connection. */
export type Entrance =
  | { readonly kind: 'key'; readonly keys: AccessKeys }
  | { readonly kind: 'open'; readonly caller: Caller }

export interface RestOptions {
  readonly registry: CommandRegistry
  readonly entrance: Entrance
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

/** The answers of REST (CONTRACT "REST", LEGACY 3): commands at `POST /cli?cmd=…`, and who we are at `GET /cservice`. */
export class Rest {
  readonly #options: RestOptions
  readonly #failures = new FailureLimit()

  constructor(options: RestOptions) {
    this.#options = options
  }

  /** Answers one request, whatever happens. A client that leaves does not stop its command. */
  async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const answer = await this.#answer(req).catch((error: unknown) => this.#unforeseen(error))
    if (answer.error) await drainBody(req)
    writeAnswer(res, answer, req.headers['x-cservice'] === '1')
  }

  async #answer(req: IncomingMessage): Promise<RestAnswer> {
    const url = req.url ?? ''
    const isIdentity = url === '/cservice'
    if (!isIdentity && !url.startsWith('/cli?')) {
      return refuse(404, 'Page Not Found', new CserviceError('BAD_REQUEST', 'Page Not Found'))
    }
    if (req.method !== (isIdentity ? 'GET' : 'POST')) {
      return refuse(405, 'Method Not Allowed', new CserviceError('BAD_REQUEST', 'Method Not Allowed'), {
        allow: isIdentity ? 'GET' : 'POST',
      })
    }
    const suspect = suspicion(req, this.#options.host)
    if (suspect)
      return refuse(
        401,
        `Not authorized: ${suspect}`,
        new CserviceError('NOT_AUTHORISED', `Not authorized: ${suspect}`),
      )
    if (isIdentity) return { status: 200, text: JSON.stringify(this.#options.identity), result: this.#options.identity }
    return await this.#command(req, new URLSearchParams(url.slice('/cli?'.length)))
  }

  async #command(req: IncomingMessage, query: URLSearchParams): Promise<RestAnswer> {
    const admitted = this.#admit(req, query)
    if ('status' in admitted) return admitted
    let body: string
    try {
      body = await readBody(req)
    } catch (error) {
      const failure = toCserviceError(error)
      return refuse(failure.status, failure.message, failure)
    }
    return await this.#run(query.getAll('cmd').join(' ') + body, admitted)
  }

  #admit(req: IncomingMessage, query: URLSearchParams): RestAnswer | { caller: Caller; rights?: KeyRights } {
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
    if (rights) return { caller: { level: isLoopback(address) ? 'local' : 'remote', name: address }, rights }
    if (keys.length > 0) {
      this.#failures.record(address)
      log.warn({ address }, 'a command came with a wrong access key')
    }
    return refuse(401, 'Not authorized', new CserviceError('NOT_AUTHORISED'), { 'www-authenticate': 'Bearer' })
  }

  async #run(line: string, { caller, rights }: { caller: Caller; rights?: KeyRights }): Promise<RestAnswer> {
    const { registry } = this.#options
    let call: ReturnType<CommandRegistry['resolve']>
    try {
      call = registry.resolve(line, caller, rights)
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

/** Every key that a request gives, in the header or in the query. More than one is as good as none. */
function givenKeys(req: IncomingMessage, query: URLSearchParams): string[] {
  const bearer = /^bearer +(.+)$/i.exec(req.headers.authorization ?? '')?.[1]
  // Header values arrive byte by byte; a key is UTF-8, as it is in the query.
  return [
    ...query.getAll('accessKey'),
    ...(bearer === undefined ? [] : [Buffer.from(bearer, 'latin1').toString('utf8')]),
  ]
}
