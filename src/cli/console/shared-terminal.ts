import { Writable } from 'node:stream'
import type { OutputSink } from '../../supervisor/output.ts'

/** Puts whole lines on a screen whose last line is being edited. */
export interface Screen {
  print(text: string): void
}

/**
 * Standard output and error for everything that writes while a console may be open: the log, and workers. Passes on what
 * it gets, until a screen takes over; then lines go above the line that is being typed.
 */
export class SharedTerminal implements OutputSink {
  readonly stdout: Writable & { isTTY?: boolean }
  readonly stderr: Writable & { isTTY?: boolean }
  #screen: Screen | null = null

  constructor(stdout: NodeJS.WriteStream = process.stdout, stderr: NodeJS.WriteStream = process.stderr) {
    this.stdout = this.#stream(stdout)
    this.stderr = this.#stream(stderr)
  }

  /** @param screen null gives both streams back to whoever they belong to */
  use(screen: Screen | null): void {
    this.#screen = screen
  }

  #stream(target: NodeJS.WriteStream): Writable & { isTTY?: boolean } {
    let partial = ''
    const write = (text: string, done: () => void) => {
      const end = text.lastIndexOf('\n') + 1
      const lines = partial + text.slice(0, end)
      const screen = target.isTTY ? this.#screen : null
      if (screen === null) {
        const all = partial + text
        partial = ''
        // As much as is written, so that whoever looks at writableLength sees how far behind the terminal is.
        if (target.write(all)) done()
        else target.once('drain', done)
        return
      }
      partial = end === 0 ? partial + text : text.slice(end)
      if (end > 0) screen.print(harmless(lines.slice(0, -1)))
      done()
    }
    const stream = new Writable({
      decodeStrings: false,
      write: (chunk: Buffer | string, _encoding, done) =>
        write(typeof chunk === 'string' ? chunk : chunk.toString(), done),
    })
    return Object.assign(stream, { isTTY: target.isTTY === true })
  }
}

/** Colours stay; what would move the cursor away from where the console believes it to be does not. */
function harmless(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
      .replace(/\x1b\[[0-?]*[ -/]*[@-ln-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b(?!\[[0-9;:]*m)/g, '')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
      .replace(/[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g, '')
  )
}
