import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer as createNetServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { FromProcess, ToProcess } from '../../../src/common/channel-protocol.ts'
import { silentLog } from '../../../src/common/log.ts'
import { loadCertificates } from '../../../src/proxy/certificates/load-certificates.ts'
import { ProxyProcess } from '../../../src/proxy/dataplane/proxy-process.ts'
import type {
  BindingSettings,
  DataplaneSettings,
  FromProxyProcess,
  TlsSettings,
  ToProxyProcess,
} from '../../../src/proxy/messages.ts'
import type { Route, RouteTableData, Target } from '../../../src/proxy/routing/route-table.ts'
import { headerOnly } from '../../../src/proxy/routing/selection-settings.ts'

export const defaultSettings: DataplaneSettings = {
  binding: { port: 0, tls: null, redirect: null, proxyProtocol: false, http2: false },
  versionHeader: 'x-version',
  selection: headerOnly,
  servedVersionHeader: true,
  gateTimeout: 10_000,
  gateLimit: 1_000,
  waitingPageAfter: 1_000,
  answerTimeout: 0,
  connectTimeout: 5_000,
  headTimeout: 10_000,
  bodyTimeout: 10_000,
  sendTimeout: 10_000,
  keepAliveTimeout: 10_000,
  upgradeIdleTimeout: 0,
  maxConnections: 0,
  maxRequestsInFlight: 0,
  maxHeaderSize: 16 * 1024,
  maxBodySize: 0,
  drainTimeout: 5_000,
  trustProxy: [],
  accessLog: null,
  healthPath: null,
}

/** Settings of a test. What they leave out is as in `defaultSettings`, in the binding as well. */
export type TestSettings = Partial<Omit<DataplaneSettings, 'binding'>> & {
  readonly binding?: Partial<BindingSettings> & {
    /** Instead of `tls`: as in proxy.json, with absolute names. */
    readonly tlsOptions?: Readonly<Record<string, unknown>> | null
  }
}

/** What the control plane makes of `tlsOptions`. */
export async function tlsSettings(tlsOptions: Readonly<Record<string, unknown>>): Promise<TlsSettings> {
  return { ...(await loadCertificates(tlsOptions)).tls, ticketKeys: randomBytes(48).toString('base64') }
}

async function toSettings(
  base: DataplaneSettings,
  { binding = {}, ...others }: TestSettings,
): Promise<DataplaneSettings> {
  const { tlsOptions, ...rest } = binding
  const tls = tlsOptions ? { tls: await tlsSettings(tlsOptions) } : {}
  return { ...base, ...others, binding: { ...base.binding, ...rest, ...tls } }
}

/** The supervisor's end of a channel, in this process: what a proxy process says is kept, and can be waited for. */
export class TestChannel extends EventEmitter {
  readonly sent: FromProcess[] = []

  send(message: FromProcess): void {
    this.sent.push(message)
    this.emit('sent')
  }

  markStopping(): void {}
  close(): void {}

  tell(message: ToProcess): void {
    this.emit('message', message)
  }

  bodies(): FromProxyProcess[] {
    return this.sent.flatMap((message) => (message.type === 'message' ? [message.body as FromProxyProcess] : []))
  }

  bodiesOf<T extends FromProxyProcess['type']>(type: T): Array<Extract<FromProxyProcess, { type: T }>> {
    return this.bodies().filter((body): body is Extract<FromProxyProcess, { type: T }> => body.type === type)
  }

  async until<T>(find: () => T | undefined | false | null): Promise<T> {
    for (;;) {
      const found = find()
      if (found) return found
      await new Promise((resolve) => this.once('sent', resolve))
    }
  }
}

/** Versions by name: targets of a ready one, or a whole route. */
export type Versions = Record<string, readonly Target[] | Route>

export interface Gateway {
  readonly port: number
  readonly channel: TestChannel
  readonly process: ProxyProcess
  configure(settings: TestSettings): Promise<void>
  /** Publishes a new table, with the next epoch. */
  route(versions: Versions, live?: string | null): void
}

/** A proxy process that listens on a free port of this machine; the first version is live. */
export async function startGateway(
  versions: Versions,
  settings: TestSettings = {},
  lanes: 'both' | 'general' = 'both',
): Promise<Gateway> {
  const channel = new TestChannel()
  const process = new ProxyProcess({ channel, listen: { port: 0, host: '127.0.0.1' }, log: silentLog(), lanes })
  let epoch = 0
  let current = await toSettings(defaultSettings, settings)
  const tell = (body: ToProxyProcess): void => channel.tell({ type: 'message', body })
  const route = (next: Versions, live: string | null = Object.keys(next)[0] ?? null): void => {
    tell({ type: 'routes', table: tableOf(next, live, ++epoch) })
  }
  tell({ type: 'configure', settings: current })
  route(versions)
  await channel.until(() => channel.sent.some(({ type }) => type === 'ready'))
  onTestFinished(() => process.stop(0))
  return {
    port: process.port ?? 0,
    channel,
    process,
    route,
    configure: async (changed) => {
      current = await toSettings(current, changed)
      tell({ type: 'configure', settings: current })
    },
  }
}

export function tableOf(versions: Versions, live: string | null, epoch: number): RouteTableData {
  const routes = Object.entries(versions).map(
    ([name, route]) =>
      [name, 'state' in route ? route : { state: 'ready', attempt: 1, targets: route }] as [string, Route],
  )
  return { epoch, live, versions: routes }
}

export interface Worker {
  readonly target: Target
  readonly server: HttpServer | Server
  /** Connections accepted so far. */
  connections(): number
  /** Closes the port and every connection, like a process that is killed. */
  kill(): Promise<void>
}

let workers = 0

/** A worker that answers through `node:http`. */
export function startWorker(listener: RequestListener): Promise<Worker> {
  return listen(createServer({ keepAliveTimeout: 60_000 }, listener))
}

/** A worker that sees the bytes. */
export function startRawWorker(onConnection: (socket: Socket) => void): Promise<Worker> {
  return listen(createNetServer(onConnection))
}

/** A target on which nothing listens. */
export async function deadTarget(): Promise<Target> {
  const worker = await startRawWorker(() => {})
  await worker.kill()
  return worker.target
}

async function listen(server: HttpServer | Server): Promise<Worker> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const kill = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.resetAndDestroy()
    })
  onTestFinished(() => (server.listening ? kill() : undefined))
  const target = { id: `w${++workers}`, host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  return { target, server, connections: () => connections, kill }
}

/** A client that sees the bytes. */
export class RawClient {
  readonly socket: Socket
  text = ''
  isClosed = false
  hasEnded = false
  error: NodeJS.ErrnoException | null = null

  constructor(portOrSocket: number | Socket) {
    this.socket = typeof portOrSocket === 'number' ? connect(portOrSocket, '127.0.0.1') : portOrSocket
    this.socket.setEncoding('latin1')
    this.socket.on('data', (chunk: string) => {
      this.text += chunk
    })
    this.socket.on('end', () => {
      this.hasEnded = true
    })
    this.socket.on('error', (error) => {
      this.error = error
    })
    this.socket.on('close', () => {
      this.isClosed = true
    })
    onTestFinished(() => {
      this.socket.destroy()
    })
  }

  send(...lines: string[]): this {
    this.socket.write(lines.join('\r\n'), 'latin1')
    return this
  }

  /** What has come, once it matches; it is taken out, up to the end of the match. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.text)
      if (match) {
        const end = match.index + match[0].length
        const taken = this.text.slice(0, end)
        this.text = this.text.slice(end)
        return taken
      }
      if (this.isClosed) throw new Error(`closed (${this.error?.code ?? 'clean'}) before ${pattern}: ${this.text}`)
      await this.#event()
    }
  }

  /** Everything, once the connection is closed. */
  async closed(): Promise<string> {
    while (!this.isClosed) await this.#event()
    return this.text
  }

  #event(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        for (const name of ['data', 'close', 'end']) this.socket.off(name, done)
        resolve()
      }
      for (const name of ['data', 'close', 'end']) this.socket.on(name, done)
    })
  }
}

/** How often a proxy process has said that it refused something with this code, once it has said so. */
export async function refused({ channel }: Gateway, code: string): Promise<number> {
  const counts = () =>
    channel
      .bodiesOf('refused')
      .flatMap((body) => body.counts.flatMap(([name, count]) => (name === code ? [count] : [])))
  await channel.until(() => counts().length > 0)
  return counts().reduce((sum, count) => sum + count, 0)
}

/** A request as text: head lines, and a body. `Host` is added. */
export function get(path = '/', ...headers: string[]): string {
  return [`GET ${path} HTTP/1.1`, 'Host: example.test', ...headers, '', ''].join('\r\n')
}

export interface SimpleAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** One request through `fetch`, which keeps to HTTP as browsers speak it. */
export async function ask(port: number, path = '/', init: RequestInit = {}): Promise<SimpleAnswer> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
  return { status: response.status, headers: response.headers, body: await response.text() }
}

/** Resolves when a check that other events bring about holds; looks again every few milliseconds. */
export async function eventually(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 5))
}
