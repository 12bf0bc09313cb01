import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo, ListenOptions } from 'node:net'
import { join } from 'node:path'
import type { TlsOptions } from 'node:tls'
import { CserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { controlSocketName } from '../../common/runtime-directory.ts'
import { packageVersion } from '../commands/version.ts'
import { AccessKeys } from './access.ts'
import type { CommandRegistry } from './command-registry.ts'
import { Connections } from './connections.ts'
import { EventStreams } from './event-streams.ts'
import type { Probes } from './probes.ts'
import { type Entrance, Rest } from './rest.ts'
import { readServerTls } from './tls-settings.ts'
import { userName } from './user-name.ts'

export interface ControlServerOptions {
  readonly registry: CommandRegistry
  /** The runtime directory, whose lock the caller holds: a socket that lies there is nobody's. */
  readonly directory: string
  /** The control port; REST listens on it when there is an access key. */
  readonly port: number
  readonly host: string
  readonly accessKey?: string
  /** Makes REST speak TLS: as in `readServerTls`. */
  readonly ssl?: Readonly<Record<string, unknown>>
  /** Whether commands may come to REST by any method, not by POST alone. */
  readonly allowHttpGet?: boolean
  /** What `/healthz` and `/readyz` ask; left out: all is well as long as it answers. */
  readonly probes?: Probes
  readonly log: Log
}

const connectionLimit = 64
/** Who opens a connection and says nothing is cut off. */
const tlsDefaults = { handshakeTimeout: 10_000, ALPNProtocols: ['http/1.1'] }
const noFaults: Probes = { findFaults: () => [], findHindrances: () => [] }
// How long a body may take depends on what it is for: RequestBody knows.
const timeouts = { headersTimeout: 10_000, requestTimeout: 0, connectionsCheckingInterval: 2_000 }

/** The two ways in for commands: the control socket, always, and REST on host:port when there is an access key. */
export class ControlServer {
  readonly #servers: http.Server[] = []
  readonly #connections = new Connections()
  readonly #streams: EventStreams[] = []
  readonly #options: ControlServerOptions

  private constructor(options: ControlServerOptions) {
    this.#options = options
  }

  /** @throws CserviceError PORT_TAKEN, PORT_FORBIDDEN, BAD_USAGE for a wrong access key or host, CONFIG_INVALID for ssl */
  static async open(options: ControlServerOptions): Promise<ControlServer> {
    const server = new ControlServer(options)
    try {
      await server.#open()
    } catch (error) {
      server.kill()
      throw error
    }
    return server
  }

  /** Takes no new requests, and resolves when the commands under way are answered, or after `deadlineMs`. */
  async stop(deadlineMs = 10_000): Promise<void> {
    const closed = this.#servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)))
    for (const streams of this.#streams) streams.end()
    this.#connections.dropIdle()
    const timer = setTimeout(() => this.#connections.dropAll(), deadlineMs)
    await Promise.all(closed)
    clearTimeout(timer)
  }

  /** Closes everything at once. */
  kill(): void {
    for (const server of this.#servers.splice(0)) server.close()
    for (const streams of this.#streams) streams.end()
    this.#connections.dropAll()
  }

  async #open(): Promise<void> {
    const { directory, accessKey, host, port, ssl, log } = this.#options
    const keys = accessKey === undefined ? null : new AccessKeys(accessKey)
    const tls = ssl === undefined ? null : readServerTls(ssl)
    const path = join(directory, controlSocketName)
    rmSync(path, { force: true })
    await this.#listen({ path }, null, { kind: 'open', caller: { level: 'local', name: userName() } })
    chmodSync(path, 0o600)
    if (keys === null) return
    const server = await this.#listen({ host, port }, tls, { kind: 'key', keys })
    log.info({ host, port: (server.address() as AddressInfo).port, isTls: tls !== null }, 'REST listens')
  }

  async #listen(where: ListenOptions, tls: TlsOptions | null, entrance: Entrance): Promise<http.Server> {
    const { registry, host, port, allowHttpGet = false, probes = noFaults, log } = this.#options
    const identity = { service: 'cservice', version: packageVersion(), pid: process.pid, control: port } as const
    const streams = new EventStreams(registry.events)
    this.#streams.push(streams)
    const rest = new Rest({ registry, entrance, streams, allowHttpGet, host, identity, probes, log })
    const server =
      tls === null ? http.createServer(timeouts) : https.createServer({ ...tlsDefaults, ...tls, ...timeouts })
    server.maxConnections = connectionLimit
    server.maxRequestsPerSocket = 1 // what a client sends behind its request, without waiting, is not run
    this.#connections.follow(server, tls !== null)
    server.on('request', (req, res) => void rest.handle(req, res))
    server.on('checkContinue', (req, res) => void rest.handle(req, res)) // who asks before he sends is answered first
    this.#servers.push(server)
    try {
      server.listen(where)
      await once(server, 'listening')
    } catch (error) {
      throw listenError(error as NodeJS.ErrnoException, where)
    }
    server.on('error', (error) => log.error({ err: error }, 'the control server failed'))
    return server
  }
}

function listenError(error: NodeJS.ErrnoException, { path, host, port }: ListenOptions): CserviceError {
  const address = path ?? `${host}:${port}`
  if (error.code === 'EADDRINUSE') {
    return new CserviceError('PORT_TAKEN', `Another program listens on the control address ${address}`, {
      cause: error,
      hint: 'Stop that program, or choose another --port.',
    })
  }
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return new CserviceError('PORT_FORBIDDEN', `This user may not listen on the control address ${address}`, {
      cause: error,
    })
  }
  return new CserviceError('BAD_USAGE', `Cannot listen on the control address ${address}: ${error.message}`, {
    cause: error,
    hint: '--host must be a name or an address of this machine.',
  })
}
