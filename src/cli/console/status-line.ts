import { plain } from '../style.ts'

/** Ten times a second is as often as anybody can read. */
const pauseMs = 100

/** How far long commands are, as one line of text: that of the command that has said something last. */
export class StatusLine {
  readonly #show: (text: string | null) => void
  /** By line, the one with the latest news last. */
  readonly #progress = new Map<object, string>()
  #shown: string | null = null
  #timer: NodeJS.Timeout | null = null

  /** @param show draws it; null: nothing is under way */
  constructor(show: (text: string | null) => void) {
    this.#show = show
  }

  update(owner: object, text: string): void {
    this.#progress.delete(owner)
    this.#progress.set(owner, plain(text).replace(/\s+/g, ' ').trim())
    if (this.#timer !== null) return
    this.#draw()
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#draw()
    }, pauseMs)
  }

  /** The command of this owner has been answered. */
  end(owner: object): void {
    if (this.#progress.delete(owner)) this.#draw()
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#progress.clear()
  }

  #draw(): void {
    const text = [...this.#progress.values()].at(-1) ?? null
    if (text === this.#shown) return
    this.#shown = text
    this.#show(text)
  }
}
