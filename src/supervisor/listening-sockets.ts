import { setTimeout as sleep } from 'node:timers/promises'
import { CserviceError } from '../common/errors.ts'
import { ListeningSocket } from './listening-socket.ts'

/** How often a port is tried again that the processes of a crashed predecessor may still hold. */
const retryInterval = 100

/** A port to listen on; `host` null: all addresses. */
export interface ListeningPlace {
  readonly port: number
  readonly host: string | null
}

export interface Patience {
  /** Milliseconds for which a port that is taken is tried again. */
  readonly patience: number
  /** Ends the patience. */
  readonly signal: AbortSignal
}

/** Where listening sockets come from: those that were opened while this process was root, then new ones. Owns the former. */
export class ListeningSockets {
  readonly #reserved: Array<{ readonly place: ListeningPlace; readonly socket: ListeningSocket }> = []

  /** Opens a socket for whoever asks for this place later. @throws CserviceError as `open` */
  async reserve(place: ListeningPlace, patience: Patience): Promise<void> {
    this.#reserved.push({ place, socket: await openPatiently(place, patience) })
  }

  /**
   * The socket that is reserved for this place, or a new one. Whoever gets it closes it.
   * @throws CserviceError PORT_TAKEN, PORT_FORBIDDEN, CONFIG_INVALID
   */
  async open({ port, host }: ListeningPlace, patience: Patience): Promise<ListeningSocket> {
    return this.takeReserved({ port, host }) ?? (await openPatiently({ port, host }, patience))
  }

  /** The socket that is reserved for this place; null: none is. Whoever gets it closes it. */
  takeReserved({ port, host }: ListeningPlace): ListeningSocket | null {
    const index = this.#reserved.findIndex(({ place }) => place.port === port && place.host === host)
    const [reserved] = index === -1 ? [] : this.#reserved.splice(index, 1)
    return reserved?.socket ?? null
  }

  /** Closes those that nobody has asked for. */
  closeReserved(): void {
    for (const { socket } of this.#reserved.splice(0)) socket.close()
  }
}

/** @throws CserviceError PORT_FORBIDDEN: this user may not listen there, whether or not somebody does */
export async function refuseForbidden({ port, host }: ListeningPlace): Promise<void> {
  try {
    const socket = await ListeningSocket.open(port, host)
    socket.close()
  } catch (error) {
    if (error instanceof CserviceError && error.code === 'PORT_FORBIDDEN') throw error
  }
}

async function openPatiently({ port, host }: ListeningPlace, { patience, signal }: Patience): Promise<ListeningSocket> {
  const deadline = performance.now() + patience
  for (;;) {
    try {
      return await ListeningSocket.open(port, host)
    } catch (error) {
      if (!(error instanceof CserviceError) || error.code !== 'PORT_TAKEN') throw error
      if (performance.now() >= deadline || signal.aborted) throw error
      await sleep(retryInterval, undefined, { signal }).catch(() => {}) // tried once more, and then given up
    }
  }
}
