import { CserviceError } from '../../common/errors.ts'

const pauseMs = 1_000
/** A service that is busy for so long is still a service. */
const answerMs = 10_000

/** Looks again and again whether a service still answers. */
export class ServiceWatch {
  readonly #ask: (timeoutMs: number) => Promise<unknown>
  readonly #onGone: () => void
  #timer: NodeJS.Timeout | null = null
  #isStopped = false

  /** @param onGone called once */
  constructor(ask: (timeoutMs: number) => Promise<unknown>, onGone: () => void) {
    this.#ask = ask
    this.#onGone = onGone
    this.#wait()
  }

  stop(): void {
    this.#isStopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #wait(): void {
    this.#timer = setTimeout(() => void this.#look(), pauseMs)
  }

  async #look(): Promise<void> {
    const isGone = await this.#ask(answerMs).then(() => false, isNobody)
    if (this.#isStopped) return
    if (!isGone) return this.#wait()
    this.stop()
    this.#onGone()
  }
}

function isNobody(error: unknown): boolean {
  return error instanceof CserviceError && error.code === 'NO_GATEWAY'
}
