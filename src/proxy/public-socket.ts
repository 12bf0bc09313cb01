import { startTimeOf } from '../common/channel-client.cts'
import type { Ward } from '../common/channel-protocol.ts'
import { CserviceError } from '../common/errors.ts'
import type { Command, Launch } from '../supervisor/launch.ts'
import type { ListeningSocket } from '../supervisor/listening-socket.ts'
import type { ListeningPlace, ListeningSockets } from '../supervisor/listening-sockets.ts'
import { within } from '../supervisor/within.ts'
import type { WorkerHandle } from '../supervisor/worker.ts'
import { isUp } from '../supervisor/worker-state.ts'
import type { FromProxyProcess, ToProxyProcess } from './messages.ts'

/** How long a proxy process may take to start another one, in milliseconds. */
const startDeadline = 5_000
/** How long a port is tried again whose last process has just died. */
const patience = 5_000

type Started = Extract<FromProxyProcess, { type: 'started' | 'not-started' }>

/**
 * The listening socket of a binding, as new proxy processes come by it: from this process, which has opened it; or, after
 * the crash of the supervisor that had, from one of the proxy processes that hold it (docs/adr/0010). When none of those is
 * left the port is free, and is opened anew. Owns the socket.
 */
export class PublicSocket {
  readonly port: number
  readonly #place: ListeningPlace
  readonly #sockets: ListeningSockets
  readonly #holders = new Set<WorkerHandle>()
  readonly #waiting = new Map<number, (answer: Started) => void>()
  readonly #closed = new AbortController()
  #own: Promise<ListeningSocket> | null
  #lastRequest = 0

  /** @param own null: only proxy processes have it */
  constructor(place: ListeningPlace, own: ListeningSocket | null, sockets: ListeningSockets) {
    this.port = own?.port ?? place.port
    this.#place = { ...place, port: this.port }
    this.#own = own === null ? null : Promise.resolve(own)
    this.#sockets = sockets
  }

  /** This process has it, too, from now on until its end. */
  hold(worker: WorkerHandle): void {
    this.#holders.add(worker)
    worker.once('exit', () => this.#holders.delete(worker))
    worker.on('message', (body) => {
      const message = body as FromProxyProcess
      if (message.type === 'started' || message.type === 'not-started') this.#waiting.get(message.request)?.(message)
    })
  }

  /**
   * How a new proxy process gets it as its descriptor 3.
   * @throws CserviceError PORT_TAKEN, PORT_FORBIDDEN
   */
  async launch(): Promise<Pick<Launch, 'descriptors' | 'startBy'>> {
    if (this.#own === null && this.#siblings.length > 0) return { startBy: (command) => this.#startBySibling(command) }
    return { descriptors: [(await this.#open()).fd] }
  }

  /** Those who hold it close it as they stop. */
  close(): void {
    this.#closed.abort()
    this.#own?.then((socket) => socket.close()).catch(() => {})
  }

  /** Those that still listen, or are about to: the ready ones first. */
  get #siblings(): WorkerHandle[] {
    return [...this.#holders].filter(isUp).sort(byReadiness)
  }

  async #open(): Promise<ListeningSocket> {
    const { signal } = this.#closed
    if (signal.aborted) throw new CserviceError('CANCELLED', `port ${this.port} is being closed`)
    this.#own ??= this.#sockets.open(this.#place, { patience, signal }).catch((error: unknown) => {
      this.#own = null // it is tried again with the next process
      throw error
    })
    return await this.#own
  }

  /** @throws Error when none of them can */
  async #startBySibling(command: Command): Promise<Ward> {
    const reasons: string[] = []
    for (const sibling of this.#siblings) {
      const answer = await this.#ask(sibling, command)
      const startTime = answer.type === 'started' ? startTimeOf(answer.pid) : null
      if (answer.type === 'started' && startTime !== null) return { pid: answer.pid, startTime }
      reasons.push(
        `proxy process ${sibling.pid}: ${answer.type === 'started' ? 'it has ended at once' : answer.reason}`,
      )
    }
    throw new Error(reasons.join('; ') || 'no proxy process is left that has the port')
  }

  async #ask(sibling: WorkerHandle, command: Command): Promise<Started> {
    const request = ++this.#lastRequest
    const answered = new Promise<Started>((resolve) => this.#waiting.set(request, resolve))
    const failed = (reason: string) => ({ type: 'not-started', request, reason }) as const
    const send = () => sibling.send({ type: 'start', request, command } satisfies ToProxyProcess)
    const gone = sibling.exited.then(() => this.#waiting.get(request)?.(failed('it has ended')))
    if (!send()) sibling.once('connected', send) // it comes back within a moment
    try {
      return (await within(Promise.race([answered, gone]), startDeadline))
        ? await answered
        : failed('it does not answer')
    } finally {
      sibling.off('connected', send)
      this.#waiting.delete(request)
    }
  }
}

function byReadiness(one: WorkerHandle, other: WorkerHandle): number {
  return Number(other.state === 'ready') - Number(one.state === 'ready')
}
