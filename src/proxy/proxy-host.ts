import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CserviceError } from '../common/errors.ts'
import { Gateway, type GatewayOptions } from './gateway.ts'

/** Whether a proxy runs in this service, and which. Owns the gateway; the `proxy` commands act on it. */
export class ProxyHost {
  readonly #options: GatewayOptions
  #gateway: Promise<Gateway> | null = null
  #current: Gateway | null = null
  readonly #closed = new AbortController()

  constructor(options: GatewayOptions) {
    this.#options = options
  }

  /**
   * Starts the proxy, and waits until its live version is up, or has failed.
   * @param file path of proxy.json
   * @throws CserviceError ALREADY_RUNNING, or why it could not be started
   */
  async start(file: string): Promise<Gateway> {
    if (this.#closed.signal.aborted) throw new CserviceError('SHUTTING_DOWN')
    if (this.#gateway) throw new CserviceError('ALREADY_RUNNING', 'a proxy is already running in this service')
    const opening = Gateway.open(resolve(file), this.#options, this.#closed.signal)
    this.#gateway = opening
    try {
      const gateway = await opening
      this.#current = gateway
      await gateway.started
    } catch (error) {
      if (this.#gateway === opening) this.#gateway = null
      throw error
    }
    if (this.#gateway !== opening) throw new CserviceError('CANCELLED', 'the proxy was stopped while it was starting')
    return opening
  }

  /** The gateway, once its ports are open, also while its live version is still starting; null when no proxy was started. */
  async find(): Promise<Gateway | null> {
    return (await this.#gateway?.catch(() => null)) ?? null
  }

  /** What there is of it at this moment, without waiting: open already, or not stopped yet. */
  get current(): Gateway | null {
    return this.#current
  }

  /** @throws CserviceError NO_PROXY */
  async get(): Promise<Gateway> {
    const gateway = await this.find()
    if (!gateway) throw new CserviceError('NO_PROXY')
    return gateway
  }

  /** Stops the proxy, calls one off that is starting, and lets no other be started. */
  async close(): Promise<void> {
    this.#closed.abort()
    await this.stop()
  }

  /** Stops the proxy, gracefully; nothing to do when there is none. */
  async stop(): Promise<void> {
    const gateway = await this.find()
    this.#gateway = null
    if (gateway === null) return
    await takeLeave(gateway)
    await gateway.stop()
    if (this.#current === gateway) this.#current = null
  }
}

/** Before a gateway stops accepting, whoever asks whether it is ready gets to know that it is not, where that is wanted. */
async function takeLeave({ publisher, config: { health } }: Gateway): Promise<void> {
  publisher.leave()
  if (health !== null && health.drainDelay > 0) await sleep(health.drainDelay * 1_000)
}
