import getPort, { clearLockedPorts } from 'get-port'
import { CserviceError } from '../../common/errors.ts'
import { claimPort, type PortClaim } from './port-claim.ts'

/** A port that nobody else, of this gateway or of another one on this machine, is given until it is released. */
export interface PortLease {
  readonly port: number
  /** A second call does nothing. */
  release(): void
}

/**
 * Gives out the ports of `versionPorts`, both ends included, in rotation, so that a freed port rests before it is used
 * again. Ports that another gateway has leased, or on which another program listens, on any address of this machine, are
 * passed over.
 */
export class PortLeases {
  #min: number
  #max: number
  /** The port that is tried first. */
  #next: number
  readonly #leased = new Set<number>()
  /** Checks run one after the other: two that bind the same port at the same time would each take it for held. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(range: { readonly min: number; readonly max: number }) {
    this.#min = range.min
    this.#max = range.max
    this.#next = range.min
  }

  /** Number of ports that are leased at this moment. */
  get size(): number {
    return this.#leased.size
  }

  /** Leases to come are taken from this range; those given out stay. */
  setRange(min: number, max: number): void {
    this.#min = min
    this.#max = max
    if (this.#next < min || this.#next > max) this.#next = min
  }

  /**
   * A port that is free at this moment.
   * @throws CserviceError PORTS_USED_UP, with `details` `{ min, max, leased, held }`
   */
  lease(): Promise<PortLease> {
    const lease = this.#queue.then(() => this.#take())
    this.#queue = lease.catch(() => undefined)
    return lease
  }

  /** The port of a worker that is there already, whether or not it is in the range. */
  async leaseAgain(port: number): Promise<PortLease> {
    // Another gateway cannot get it meanwhile: it listens. Should one have the claim, the port is ours all the same.
    return this.#grant(port, (await claimPort(port)) ?? { release() {} })
  }

  async #take(): Promise<PortLease> {
    const [min, max] = [this.#min, this.#max]
    const candidates = this.#candidates()
    for (const port of candidates) {
      // Claimed first: looking at a port that another gateway has leased would be in the way of its worker.
      const claim = await claimPort(port)
      if (claim === null) continue
      if (await isFree(port)) return this.#grant(port, claim)
      claim.release()
    }
    throw usedUp(min, max, candidates.length)
  }

  #grant(port: number, claim: PortClaim): PortLease {
    this.#leased.add(port)
    this.#next = port >= this.#max || port < this.#min ? this.#min : port + 1
    const release = once(() => {
      this.#leased.delete(port)
      claim.release()
    })
    return { port, release }
  }

  #candidates(): number[] {
    const ports: number[] = []
    const size = this.#max - this.#min + 1
    for (let step = 0; step < size; step++) {
      const port = this.#min + ((this.#next - this.#min + step) % size)
      if (!this.#leased.has(port)) ports.push(port)
    }
    return ports
  }
}

async function isFree(port: number): Promise<boolean> {
  // get-port remembers for 15 to 30 s what it gave out; who holds a port of ours is in our own set.
  clearLockedPorts()
  // When it is taken it gives a port from anywhere.
  return (await getPort({ port })) === port
}

function usedUp(min: number, max: number, held: number): CserviceError {
  const leased = max - min + 1 - held
  const message = `No port is free in versionPorts ${min}-${max}: ${leased} used by workers of this gateway, ${held} held by other programs`
  return new CserviceError('PORTS_USED_UP', message, { details: { min, max, leased, held } })
}

function once(action: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    action()
  }
}
