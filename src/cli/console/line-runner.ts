/** A line that was entered. */
export interface EnteredLine {
  readonly text: string
  /** Whether other lines were out together with it, so that an answer must say which line it answers. */
  isOneOfSeveral: boolean
}

/** A terminal can be pasted full of lines; a service takes a limited number of connections. */
const maxRunning = 16

/**
 * Runs the lines of a console. Lines that came together run one after the other; one that was entered by itself does not
 * wait for those before it: which commands must wait for each other, the service knows.
 */
export class LineRunner {
  readonly #run: (line: EnteredLine) => Promise<void>
  readonly #unanswered = new Set<EnteredLine>()
  readonly #waiting: Array<() => void> = []
  #running = 0
  #burst: Promise<void> = Promise.resolve()
  #isStopped = false

  /** @param run never rejects */
  constructor(run: (line: EnteredLine) => Promise<void>) {
    this.#run = run
  }

  /** Oldest first. */
  get unanswered(): readonly EnteredLine[] {
    return [...this.#unanswered]
  }

  get isIdle(): boolean {
    return this.#unanswered.size === 0
  }

  /**
   * @param isTogether whether it comes together with the line before
   * @param isUrgent runs however many are out
   */
  submit(text: string, isTogether: boolean, isUrgent = false): void {
    const line: EnteredLine = { text, isOneOfSeveral: this.#unanswered.size > 0 }
    if (this.#unanswered.size === 1) for (const other of this.#unanswered) other.isOneOfSeveral = true
    this.#unanswered.add(line)
    this.#burst = isTogether ? this.#burst.then(() => this.#take(line)) : this.#take(line, isUrgent)
  }

  /** Lines that have not begun never will. */
  stop(): void {
    this.#isStopped = true
    for (const go of this.#waiting.splice(0)) go()
  }

  async #take(line: EnteredLine, isUrgent = false): Promise<void> {
    if (!isUrgent && this.#running >= maxRunning) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#running++
    try {
      if (!this.#isStopped) await this.#run(line)
    } finally {
      this.#running--
      this.#unanswered.delete(line)
      this.#waiting.shift()?.()
    }
  }
}
