import { fileURLToPath } from 'node:url'
import { CserviceError } from '../common/errors.ts'
import type { FoundProcess } from '../supervisor/found-process.ts'
import type { Launch } from '../supervisor/launch.ts'
import type { Pool } from '../supervisor/pool.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { within } from '../supervisor/within.ts'
import type { WorkerHandle } from '../supervisor/worker.ts'
import type { BindingCertificates } from './certificates/binding-certificates.ts'
import type { BindingConfig } from './config/proxy-config.ts'
import type { DataplaneSettings, FromProxyProcess, ToProxyProcess } from './messages.ts'
import { PublicSocket } from './public-socket.ts'
import { bindingOf, bindingTag } from './tags.ts'

const program = fileURLToPath(new URL('./dataplane/main.js', import.meta.url))
/** Without proxy processes there is no service: they are restarted for ever, a few seconds apart at most. */
const restart = { firstDelay: 20, maxDelay: 5_000, stableAfter: 5_000, giveUpAfter: Number.POSITIVE_INFINITY }
const startTimeout = 20_000
/**
 * MiB for objects that do not live long, from the beginning: what a request makes is then gone before it is ever looked at.
 * Node would get there by itself, under load; HTTP/2 took about a tenth more CPU time until then, in two
 * runs on a noisy machine; HTTP/1.1 showed no difference.
 */
const nodeOptions = ['--min-semi-space-size=16']
const stopTimeout = 3_000
/** How long one that is taken over may take to open its channel: it tries ten times a second. */
const connectTimeout = 3_000

/** What a binding needs from its owner. */
export interface BindingOwner {
  settings(): DataplaneSettings
  /** What it serves TLS with; null: plain HTTP. The binding follows them, and closes them with itself. */
  readonly certificates: BindingCertificates | null
  /** false: its processes keep the settings that they have. */
  readonly configures?: false
  /** A proxy process has opened its channel and is configured: give it the routes. */
  onConnected(worker: WorkerHandle): void
  onMessage(worker: WorkerHandle, message: FromProxyProcess): void
  onExit(worker: WorkerHandle): void
}

/** One port that the gateway listens on: the shared socket, and the proxy processes that accept on it. Owns both. */
export class Binding {
  readonly config: BindingConfig
  readonly port: number
  readonly pool: Pool
  readonly #socket: PublicSocket
  readonly #supervisor: Supervisor
  readonly #owner: BindingOwner
  #isClosed = false

  private constructor(config: BindingConfig, socket: PublicSocket, supervisor: Supervisor, owner: BindingOwner) {
    this.config = config
    this.port = socket.port
    this.#socket = socket
    this.#supervisor = supervisor
    this.#owner = owner
    this.pool = supervisor.createPool({
      name: `proxy ${this.port}`,
      launch: () => this.#launch(),
      tag: bindingTag(config),
      startTimeout,
      // A proxy process ends by itself when its drain is over; the ladder is for one that hangs.
      get askTimeout() {
        return owner.settings().drainTimeout + stopTimeout
      },
      stopTimeout,
      restart,
      keepsWatch: true,
    })
    this.pool.on('worker', (worker) => this.#follow(worker))
  }

  /**
   * Opens the port and starts its proxy processes.
   * @param patience milliseconds for which a port that is taken is tried again
   * @param signal ends the patience
   * @throws CserviceError PORT_TAKEN, PORT_FORBIDDEN, CONFIG_INVALID, WORKER_FAILED; then nothing is left open
   */
  static async open(
    config: BindingConfig,
    supervisor: Supervisor,
    owner: BindingOwner,
    patience: number,
    signal: AbortSignal,
  ): Promise<Binding> {
    const { sockets } = supervisor
    const own = await sockets.open(config, { patience, signal })
    const binding = new Binding(config, new PublicSocket(config, own, sockets), supervisor, owner)
    return await binding.#orClose(binding.#begin())
  }

  /**
   * Takes the proxy processes over that go on with this port since an earlier supervisor has died. Those that were started
   * with another configuration, or from another installation, are followed by new ones, on the same socket.
   * @throws CserviceError WORKER_FAILED; then nothing is left open
   */
  static async adopt(
    config: BindingConfig,
    supervisor: Supervisor,
    owner: BindingOwner,
    found: readonly FoundProcess[],
  ): Promise<Binding> {
    const { sockets } = supervisor
    const socket = new PublicSocket(config, sockets.takeReserved(config), sockets)
    const binding = new Binding(config, socket, supervisor, owner)
    // They keep the settings that they have; only the routes are new to them.
    const outdated = new Binding(config, socket, supervisor, { ...owner, certificates: null, configures: false })
    const { madeFrom } = bindingTag(config)
    const taken = found.map((one) => (bindingOf(one)?.madeFrom === madeFrom ? binding : outdated).#take(one))
    const begun = Promise.all(taken).then(() => binding.#begin())
    const over = begun.then(
      () => void outdated.retire(),
      () => outdated.retire(),
    )
    return await binding.#orClose(Promise.all([begun, over]))
  }

  /**
   * The same port served another way: starts new processes on the same socket, so that it never closes. This binding goes
   * on until it is retired.
   * @throws CserviceError WORKER_FAILED; then nothing has changed
   */
  async succeed(config: BindingConfig, owner: BindingOwner): Promise<Binding> {
    const successor = new Binding(config, this.#socket, this.#supervisor, owner)
    try {
      await successor.#begin()
      return successor
    } catch (error) {
      await successor.retire()
      throw error
    }
  }

  get certificates(): BindingCertificates | null {
    return this.#owner.certificates
  }

  /** Settings have changed. */
  configure(): void {
    for (const worker of this.pool.workers) this.#send(worker)
  }

  /** Stops its processes, and leaves the port to its successor; resolves when requests in flight have finished. */
  async retire(): Promise<void> {
    this.#isClosed = true
    await Promise.all([this.#supervisor.removePool(this.pool), this.certificates?.close()])
  }

  /** Stops accepting and closes the port; resolves when requests in flight have finished, or the drain timeout has passed. */
  async close(): Promise<void> {
    const stopped = this.retire()
    // At once, so that the port can be opened anew while the last requests are still being answered.
    this.#socket.close()
    await stopped
  }

  /** @throws what has gone wrong, after everything is closed */
  async #orClose(begun: Promise<unknown>): Promise<this> {
    try {
      await begun
      return this
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Resolves when the process follows us, or has ended, or after a while: it may hang. */
  async #take(found: FoundProcess): Promise<void> {
    const { cwd, file } = found.entry
    const launch = { file, kind: 'own', cwd, env: {}, waitsFor: this.#waitsFor } as const
    const worker = this.#supervisor.adopt(this.pool, found, launch)
    const connected = new Promise<void>((resolve) => worker.once('connected', resolve))
    this.#owner.onConnected(worker) // whoever changes routes waits for it from now on
    await within(Promise.race([connected, worker.exited]), connectTimeout)
  }

  async #begin(): Promise<void> {
    await this.pool.scale(this.config.workerCount, 'start')
    await this.certificates?.follow(() => this.configure())
  }

  get #waitsFor(): string {
    return `accept connections on port ${this.port}`
  }

  async #launch(): Promise<Launch> {
    if (this.#isClosed) throw new CserviceError('CANCELLED', `port ${this.port} is being closed`)
    const socket = await this.#socket.launch()
    return { file: program, kind: 'own', nodeOptions, cwd: process.cwd(), env: {}, waitsFor: this.#waitsFor, ...socket }
  }

  #follow(worker: WorkerHandle): void {
    this.#socket.hold(worker)
    worker.on('connected', () => {
      this.#send(worker)
      this.#owner.onConnected(worker)
    })
    worker.on('message', (body) => this.#owner.onMessage(worker, body as FromProxyProcess))
    worker.once('exit', () => this.#owner.onExit(worker))
  }

  #send(worker: WorkerHandle): void {
    if (this.#owner.configures === false) return
    worker.send({ type: 'configure', settings: this.#owner.settings() } satisfies ToProxyProcess)
  }
}
