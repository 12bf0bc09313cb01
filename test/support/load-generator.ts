import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type OnFinish, onTestFinish } from './on-finish.ts'

export type LoadKind = 'get' | 'post' | 'stream'

export interface LoadOptions {
  /** Of a server with the paths of the `http` worker (fixture-worker.ts), without a slash at the end. */
  readonly url: string
  /** Keep-alive connections, each with one request at a time; default 50. */
  readonly connections?: number
  /** The longest pause between two requests of a connection, in milliseconds; its length is chosen by chance. Default 60. */
  readonly think?: number
  /** How many of each kind among all requests, as weights; default 6 : 3 : 1. */
  readonly mix?: Readonly<Partial<Record<LoadKind, number>>>
  readonly headers?: Readonly<Record<string, string>>
  /** Where a connection says whose it is: the name of a header, which gets `user-<number of the connection>`. */
  readonly userHeader?: string
  /** Milliseconds after which a request without its whole answer counts as failed; default 20 000. */
  readonly requestDeadline?: number
  readonly onFinish?: OnFinish
}

/** One request that was answered in full. Times are those of `performance.now()`. */
export interface LoadAnswer {
  readonly kind: LoadKind
  readonly connection: number
  readonly status: number
  /** Who answered, by its own account; null if it did not say. */
  readonly version: string | null
  readonly pid: number | null
  readonly startedAt: number
  /** When the head of the answer arrived. */
  readonly answeredAt: number
  readonly finishedAt: number
}

/** One request that was not: no answer, a broken one, a wrong one, or an unexpected status. */
export interface LoadFailure {
  readonly kind: LoadKind
  readonly connection: number
  readonly startedAt: number
  readonly failedAt: number
  /** `connect`, `answer` (before its head), `body` (within it), `status`, `content`. */
  readonly phase: 'connect' | 'answer' | 'body' | 'status' | 'content'
  /** Error code, or what was wrong in words. */
  readonly reason: string
  readonly status: number | null
  readonly version: string | null
  readonly pid: number | null
  /** The application says so itself, by `x-failed-by: application`: nothing that is between has failed. */
  readonly isOfApplication: boolean
  /** Whether the connection had carried a request before. */
  readonly isReused: boolean
}

export interface LoadReport {
  readonly answers: readonly LoadAnswer[]
  readonly failures: readonly LoadFailure[]
  /** TCP connections that were opened. */
  readonly connectionsOpened: number
}

/**
 * Keeps `connections` clients busy until it is stopped: GETs, POSTs with a body whose hash must come back, and streams
 * that are read slowly to their end. Nothing is retried, so that each request the server lost is seen. Clients think between two
 * requests: whatever happens meets connections in use and idle ones, and the load leaves the machine to what is tested.
 */
export function startLoad(options: LoadOptions): Load {
  const load = new Load(options)
  ;(options.onFinish ?? onTestFinish)(() => load.abort())
  return load
}

/** Load that is running. */
export class Load {
  readonly #options: LoadOptions
  readonly #answers: LoadAnswer[] = []
  readonly #failures: LoadFailure[] = []
  readonly #kinds: readonly LoadKind[]
  readonly #clients: ReadonlyArray<Promise<void>>
  readonly #agents: http.Agent[] = []
  readonly #sockets = new WeakSet<object>()
  #connectionsOpened = 0
  #isStopping = false
  #wakeUps = new Set<() => void>()

  /** Use `startLoad`, which stops it when the test is over. */
  constructor(options: LoadOptions) {
    this.#options = options
    this.#kinds = spread(options.mix ?? { get: 6, post: 3, stream: 1 })
    this.#clients = Array.from({ length: options.connections ?? 50 }, (_, index) => this.#runClient(index))
  }

  /** A snapshot of what has happened so far. */
  get report(): LoadReport {
    return {
      answers: [...this.#answers],
      failures: [...this.#failures],
      connectionsOpened: this.#connectionsOpened,
    }
  }

  /** Waits until `count` more requests have been answered or have failed. @throws after `deadline` milliseconds */
  async more(count: number, deadline = 20_000): Promise<void> {
    const goal = this.#answers.length + this.#failures.length + count
    await new Promise<void>((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer)
        this.#wakeUps.delete(look)
        end()
      }
      const look = () => {
        if (this.#answers.length + this.#failures.length >= goal) settle(resolve)
      }
      const timer = setTimeout(
        () => settle(() => reject(new Error(`not ${count} more requests within ${deadline} ms`))),
        deadline,
      )
      this.#wakeUps.add(look)
      look()
    })
  }

  /** Starts no more requests, waits for those under way, and reports. */
  async stop(): Promise<LoadReport> {
    this.#isStopping = true
    await Promise.all(this.#clients)
    for (const agent of this.#agents) agent.destroy()
    return this.report
  }

  /** Ends at once, requests under way included. They count as failures in no report that was taken before. */
  async abort(): Promise<void> {
    this.#isStopping = true
    for (const agent of this.#agents) agent.destroy()
    await Promise.all(this.#clients)
  }

  async #runClient(connection: number): Promise<void> {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    this.#agents.push(agent)
    for (let turn = connection; !this.#isStopping; turn += 1) {
      const kind = this.#kinds[turn % this.#kinds.length] as LoadKind
      const outcome = await this.#request(kind, connection, agent)
      if ('phase' in outcome) this.#failures.push(outcome)
      else this.#answers.push(outcome)
      for (const look of [...this.#wakeUps]) look()
      if (!this.#isStopping) await delay(Math.random() * (this.#options.think ?? 60))
    }
  }

  #request(kind: LoadKind, connection: number, agent: http.Agent): Promise<LoadAnswer | LoadFailure> {
    const startedAt = performance.now()
    const plan = plans[kind]()
    const { url, userHeader } = this.#options
    const user = userHeader === undefined ? {} : { [userHeader]: `user-${connection}` }
    return new Promise((resolve) => {
      let phase: LoadFailure['phase'] = 'connect'
      let res: http.IncomingMessage | null = null
      let answeredAt = 0
      const who = () => ({ version: headerOf(res, 'x-worker-version'), pid: numberOf(headerOf(res, 'x-worker-pid')) })
      const fail = (reason: string, at: LoadFailure['phase'] = phase) => {
        clearTimeout(timer)
        const failedAt = performance.now()
        const status = res?.statusCode ?? null
        const isReused = req.reusedSocket
        const isOfApplication = at === 'status' && headerOf(res, 'x-failed-by') === 'application'
        resolve({
          kind,
          connection,
          startedAt,
          failedAt,
          phase: at,
          reason,
          status,
          isOfApplication,
          isReused,
          ...who(),
        })
      }
      const req = http.request(`${url}${plan.path}`, {
        agent,
        method: plan.method,
        headers: { ...this.#options.headers, ...user, ...(plan.body ? { 'content-length': plan.body.length } : {}) },
      })
      const timer = setTimeout(() => {
        fail(`no whole answer within ${this.#options.requestDeadline ?? 20_000} ms`)
        req.destroy()
      }, this.#options.requestDeadline ?? 20_000)
      req.on('socket', (socket) => {
        if (this.#sockets.has(socket)) phase = 'answer'
        else {
          this.#sockets.add(socket)
          socket.once('connect', () => {
            this.#connectionsOpened += 1
            phase = 'answer'
          })
        }
      })
      req.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message))
      req.on('response', (answer) => {
        res = answer
        phase = 'body'
        answeredAt = performance.now()
        readAnswer(answer, plan.isSlow).then(
          (body) => {
            const status = answer.statusCode ?? 0
            if (status !== 200) return fail(`${status}: ${body.slice(0, 200)}`, 'status')
            const fault = plan.check(body)
            if (fault !== null) return fail(fault, 'content')
            clearTimeout(timer)
            resolve({ kind, connection, status, startedAt, answeredAt, finishedAt: performance.now(), ...who() })
          },
          (error: NodeJS.ErrnoException) => fail(error.code ?? error.message),
        )
      })
      req.end(plan.body)
    })
  }
}

interface RequestPlan {
  readonly method: string
  readonly path: string
  readonly body?: Buffer
  readonly isSlow: boolean
  /** What is wrong with the body of the answer, or null. */
  check(body: string): string | null
}

const streamChunks = 20

const plans: Readonly<Record<LoadKind, () => RequestPlan>> = {
  get() {
    const path = `/get/${randomBytes(4).toString('hex')}`
    const check = (body: string) => (jsonOf(body)?.url === path ? null : `asked for ${path}, got ${body.slice(0, 200)}`)
    return { method: 'GET', path, isSlow: false, check }
  },
  post() {
    const body = randomBytes(1 + Math.floor(Math.random() * 64 * 1024))
    const sha256 = createHash('sha256').update(body).digest('hex')
    const check = (text: string) =>
      jsonOf(text)?.sha256 === sha256 ? null : `the body of ${body.length} bytes came back as ${text.slice(0, 200)}`
    return { method: 'POST', path: '/upload', body, isSlow: false, check }
  },
  stream() {
    const check = (text: string) => {
      const lines = text.split('\n').slice(0, -1)
      const isWhole = lines.length === streamChunks && lines.every((line, index) => line.startsWith(`${index + 1} `))
      const tellers = new Set(lines.map((line) => line.slice(line.indexOf(' '))))
      return isWhole && tellers.size === 1 ? null : `a stream of ${lines.length} lines from ${tellers.size} workers`
    }
    return { method: 'GET', path: `/stream?chunks=${streamChunks}&interval=10`, isSlow: true, check }
  },
}

/** @throws when the answer breaks off */
async function readAnswer(res: http.IncomingMessage, isSlow: boolean): Promise<string> {
  let body = ''
  for await (const chunk of res as AsyncIterable<Buffer>) {
    body += chunk.toString('latin1')
    if (isSlow) await delay(5)
  }
  if (!res.complete) throw new Error('the answer broke off')
  return body
}

/** The kinds by weight, mixed so that no kind comes in one lump. */
function spread(mix: Readonly<Partial<Record<LoadKind, number>>>): LoadKind[] {
  const weighted = (Object.entries(mix) as Array<[LoadKind, number]>).filter(([, weight]) => weight > 0)
  return weighted
    .flatMap(([kind, weight]) =>
      Array.from({ length: weight }, (_, index) => ({ kind, place: (index + 0.5) / weight })),
    )
    .sort((a, b) => a.place - b.place)
    .map(({ kind }) => kind)
}

function headerOf(res: http.IncomingMessage | null, name: string): string | null {
  const value = res?.headers[name]
  return typeof value === 'string' ? value : null
}

function numberOf(text: string | null): number | null {
  return text === null ? null : Number(text)
}

function jsonOf(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return null
  }
}
