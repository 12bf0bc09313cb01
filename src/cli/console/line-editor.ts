import { createInterface, type Interface } from 'node:readline'
import { plain, style } from '../style.ts'
import type { Completion } from './complete.ts'
import { isForeground } from './foreground.ts'
import { type History, historySize, isKept } from './history.ts'
import type { Screen } from './shared-terminal.ts'
import { TerminalInput } from './terminal-input.ts'

export interface LineEditorOptions {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  readonly history: History
  /** A line that is not empty. @param isTogether whether it came in one go with the line before, as in a paste */
  onLine(line: string, isTogether: boolean): void
  /** Ctrl-C with nothing typed. @param isRepeated whether the key before was Ctrl-C as well */
  onInterrupt(isRepeated: boolean): void
  /** Ctrl-D with nothing typed, or the terminal is gone. */
  onEnd(): void
  complete(line: string): Promise<Completion>
}

const prompt = 'cservice> '
const interruptKey = '\x03'
/** More than this on one line is no command; the editor would get slow. */
const maxLine = 16_384
/** How often a console in the background looks whether it has its terminal back. */
const backgroundMs = 500
const pasteMarks = { on: '\x1b[?2004h', off: '\x1b[?2004l' }

/** The line that is being typed, its history and keys, and everything that must be printed without destroying it. */
export class LineEditor implements Screen {
  readonly #options: LineEditorOptions
  readonly #input: TerminalInput
  readonly #readline: Interface
  readonly #onContinue = () => this.#takeTerminal()
  readonly #onExit = () => this.#giveTerminalBack()
  #status: string | null = null
  #isTogether = false
  #isTooLong = false
  #interrupts = 0
  #isClosed = false
  /** Whether the terminal is in raw mode and ours. */
  #isActive = false
  #background: NodeJS.Timeout | null = null

  constructor(options: LineEditorOptions) {
    this.#options = options
    this.#input = new TerminalInput(options.input, {
      insert: (text) => this.#insert(text),
      enter: (isTogether) => this.#enter(isTogether),
      key: (sequence) => this.#countInterrupts(sequence),
      end: () => this.#onEnd(),
    })
    this.#readline = createInterface({
      input: this.#input,
      output: options.output,
      terminal: true,
      prompt,
      history: options.history.load(),
      historySize,
      completer: (line: string, done: (error: null, result: [string[], string]) => void) => this.#complete(line, done),
    })
    this.#readline
      .on('line', (line) => this.#onLine(line))
      .on('history', (history) => this.#onHistory(history))
      .on('SIGINT', () => this.#interrupt())
      .on('SIGTSTP', () => this.#suspend())
      .on('close', () => this.#onEnd())
  }

  open(greeting: string): void {
    this.#options.output.write(`${greeting}\n`)
    process.on('SIGCONT', this.#onContinue).on('exit', this.#onExit)
    this.#takeTerminal()
  }

  /** Prints whole lines above the one that is being typed. */
  print(text: string): void {
    const { output } = this.#options
    if (!this.#isActive) {
      output.write(`${text}\n`)
      return
    }
    // The editor believes its cursor to be some rows below its first, and goes up so many before it draws.
    output.write(`${this.#erasure()}${text}\n${'\n'.repeat(this.#readline.getCursorPos().rows)}`)
    this.#readline.prompt(true)
  }

  /** @param text shown above the prompt; null: nothing is */
  setStatus(text: string | null): void {
    this.#status = text
    this.#setPrompt(text)
    if (this.#isActive) this.#readline.prompt(true)
  }

  clear(): void {
    if (!this.#isActive) return
    this.#options.output.write(`\x1b[H\x1b[J${'\n'.repeat(this.#readline.getCursorPos().rows)}`)
    this.#readline.prompt(true)
  }

  /** Gives the terminal back as it was, without the prompt. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#giveTerminalBack()
    this.#stopWaiting()
    process.off('SIGCONT', this.#onContinue).off('exit', this.#onExit)
    this.#readline.close()
  }

  #onLine(line: string): void {
    const isTogether = this.#isTogether
    const isTooLong = this.#isTooLong
    this.#isTogether = false
    this.#isTooLong = false
    if (isTooLong) this.print(style('red', `The line is too long (more than ${maxLine} characters); it was not run.`))
    else if (line.trim() !== '') this.#options.onLine(line, isTogether)
    if (this.#isClosed) return
    this.#setPrompt(this.#status)
    this.#readline.prompt()
  }

  #onHistory(history: string[]): void {
    const [latest] = history
    if (latest === undefined) return
    if (this.#isTooLong || !isKept(latest)) history.shift()
    else this.#options.history.add(latest)
  }

  #onEnd(): void {
    if (!this.#isClosed) this.#options.onEnd()
  }

  #insert(text: string): void {
    this.#interrupts = 0
    if (this.#readline.line.length + text.length > maxLine) this.#isTooLong = true
    // readline takes these two for ends of a line
    else this.#readline.write(text.replace(/[\u2028\u2029]/g, ' '))
  }

  #enter(isTogether: boolean): void {
    this.#interrupts = 0
    this.#isTogether = isTogether
    if (this.#status !== null) {
      // What stays on the screen is the line, not how far another had come.
      this.#setPrompt(null)
      this.#readline.prompt(true)
    }
    this.#input.press('\r')
  }

  #countInterrupts(sequence: string): void {
    this.#interrupts = sequence === interruptKey ? this.#interrupts + 1 : 0
  }

  #interrupt(): void {
    if (this.#readline.line === '' && !this.#isTooLong) {
      this.#options.onInterrupt(this.#interrupts > 1)
      return
    }
    this.#interrupts = 0
    this.#isTooLong = false
    this.#readline.write(null, { ctrl: true, name: 'e' })
    this.#readline.write(null, { ctrl: true, name: 'u' })
  }

  #complete(line: string, done: (error: null, result: [string[], string]) => void): void {
    const answer = (candidates: readonly string[], typed: string) => {
      if (this.#isClosed) return
      done(null, [candidates.map(plain), typed])
      this.#input.release()
    }
    this.#input.hold()
    this.#options.complete(line).then(
      ({ candidates, typed }) => answer(candidates, typed),
      () => answer([], line),
    )
  }

  #setPrompt(status: string | null): void {
    const { output } = this.#options
    const above = status === null ? '' : `${style('dim', status.slice(0, (output.columns || 80) - 1), output)}\n`
    this.#readline.setPrompt(`${above}${prompt}`)
  }

  /** Ctrl-Z. */
  #suspend(): void {
    this.#giveTerminalBack()
    this.#waitForTerminal() // also where nobody stops us: a session without job control
    process.kill(process.pid, 'SIGTSTP')
  }

  /** Whoever has continued us may have changed the mode of the terminal, and has written to it. */
  #takeTerminal(): void {
    if (this.#isClosed) return
    if (!isForeground()) {
      this.#waitForTerminal()
      return
    }
    this.#stopWaiting()
    const { input, output } = this.#options
    input.setRawMode(false)
    input.setRawMode(true)
    if (!this.#isActive) this.#input.open()
    this.#isActive = true
    output.write(`${pasteMarks.on}${'\n'.repeat(this.#readline.getCursorPos().rows)}`)
    this.#readline.prompt(true)
  }

  #giveTerminalBack(): void {
    if (!this.#isActive) return
    this.#isActive = false
    this.#options.output.write(`${this.#erasure()}${pasteMarks.off}`)
    this.#input.close()
    this.#options.input.setRawMode(false)
  }

  #waitForTerminal(): void {
    this.#background ??= setInterval(() => this.#takeTerminal(), backgroundMs)
  }

  #stopWaiting(): void {
    if (this.#background !== null) clearInterval(this.#background)
    this.#background = null
  }

  /** Removes what is being typed from the screen; the cursor is then where its first character was. */
  #erasure(): string {
    const { rows } = this.#readline.getCursorPos()
    return `${rows > 0 ? `\x1b[${rows}A` : ''}\r\x1b[J`
  }
}
