import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo, ListenOptions, Socket } from 'node:net'
import { join } from 'node:path'
import { CserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { controlSocketName } from '../../common/runtime-directory.ts'
import { packageVersion } from '../commands/version.ts'
import { AccessKeys } from './access.ts'
import type { CommandRegistry } from './command-registry.ts'
import { type Entrance, Rest } from './rest.ts'
import { userName } from './user-name.ts'

export interface ControlServerOptions {
  readonly registry: CommandRegistry
  /** The runtime directory, whose lock the caller holds: a socket that lies there is nobody's. */
  readonly directory: string
  /** The control port; REST listens on it when there is an access key. */
  readonly port: number
  readonly host: string
  readonly accessKey?: string
  readonly log: Log
}

const connectionLimit = 64

/** The two ways in for commands: the control socket, always, and REST on host:port when there is an access key. */
export class ControlServer {
  readonly #servers: http.Server[] = []
  readonly #connections = new Set<Socket>()
  /** Connections with a request that has no complete answer yet. */
  readonly #pending = new Set<Socket>()
  readonly #options: ControlServerOptions

  private constructor(options: ControlServerOptions) {
    this.#options = options
  }

  /** @throws CserviceError PORT_TAKEN, PORT_FORBIDDEN, BAD_USAGE for a wrong access key or host */
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

  /** Takes no new requests, and resolves when those under way are answered, or after `deadlineMs`. */
  async stop(deadlineMs = 10_000): Promise<void> {
    const closed = this.#servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)))
    for (const socket of this.#connections) {
      if (!this.#pending.has(socket)) socket.destroy()
    }
    const timer = setTimeout(() => this.#dropConnections(), deadlineMs)
    await Promise.all(closed)
    clearTimeout(timer)
  }

  /** Closes everything at once. */
  kill(): void {
    for (const server of this.#servers.splice(0)) server.close()
    this.#dropConnections()
  }

  #dropConnections(): void {
    for (const socket of this.#connections) socket.destroy()
  }

  async #open(): Promise<void> {
    const { directory, accessKey, host, port, log } = this.#options
    const keys = accessKey === undefined ? null : new AccessKeys(accessKey)
    const path = join(directory, controlSocketName)
    rmSync(path, { force: true })
    await this.#listen({ path }, { kind: 'open', caller: { level: 'local', name: userName() } })
    chmodSync(path, 0o600)
    if (keys === null) return
    const server = await this.#listen({ host, port }, { kind: 'key', keys })
    log.info({ host, port: (server.address() as AddressInfo).port }, 'REST listens')
  }

  async #listen(where: ListenOptions, entrance: Entrance): Promise<http.Server> {
    const { registry, host, port, log } = this.#options
    const identity = { service: 'cservice', version: packageVersion(), pid: process.pid, control: port } as const
    const rest = new Rest({ registry, entrance, host, identity, log })
    const server = http.createServer({
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 2_000,
    })
    server.maxConnections = connectionLimit
    server.on('connection', (socket: Socket) => {
      this.#connections.add(socket)
      socket.on('close', () => this.#connections.delete(socket))
    })
    server.on('request', (req, res) => {
      this.#pending.add(req.socket)
      res.on('close', () => this.#pending.delete(req.socket))
      void rest.handle(req, res)
    })
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
