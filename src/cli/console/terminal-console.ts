import { setTimeout as delay } from 'node:timers/promises'
import { style } from '../style.ts'
import { complete } from './complete.ts'
import type { Console, ConsoleEnd, ConsoleOptions } from './console.ts'
import { LineEditor } from './line-editor.ts'
import { type EnteredLine, LineRunner } from './line-runner.ts'
import { shorten, showAnswer, showFailure, wordsOf } from './show.ts'
import { StatusLine } from './status-line.ts'

/** A service that does not answer within this time has nothing to complete with. */
const completionMs = 2_000

/** A console on a terminal: a prompt that is always there, and answers above it as they come. */
export class TerminalConsole implements Console {
  readonly ended: Promise<ConsoleEnd>
  readonly #options: ConsoleOptions
  readonly #editor: LineEditor
  readonly #runner = new LineRunner((line) => this.#run(line))
  readonly #status: StatusLine
  #isOver = false
  #setEnded: (end: ConsoleEnd) => void = () => {}

  constructor(options: ConsoleOptions) {
    this.#options = options
    this.ended = new Promise((resolve) => {
      this.#setEnded = resolve
    })
    this.#editor = new LineEditor({
      input: options.input,
      output: options.output,
      history: options.history,
      onLine: (line, isTogether) => this.#runner.submit(line, isTogether, wordsOf(line)[0] === 'exit'),
      onInterrupt: (isRepeated) => this.#interrupt(isRepeated),
      onEnd: () => this.#end('left', options.role.farewell),
      complete: (line) => this.#complete(line),
    })
    this.#status = new StatusLine((text) => this.#editor.setStatus(text))
    this.#editor.open(options.role.greeting)
    options.shared?.use(this.#editor)
  }

  close(message?: string): void {
    this.#end('closed', message ?? null)
  }

  async #run(line: EnteredLine): Promise<void> {
    const { role, output } = this.#options
    const text = line.text.trim()
    if (role.isLeave(text)) return this.#end('left', role.farewell)
    if (text === 'clear') return this.#editor.clear()
    const progress = { toString: () => text }
    let shown: string
    try {
      const answer = await this.#options.runLine(role.translate(text), (news) => {
        if (!this.#isOver) this.#status.update(progress, line.isOneOfSeveral ? `${shorten(text)}: ${news}` : news)
      })
      shown = showAnswer(text, answer)
    } catch (error) {
      shown = showFailure(role.explain(text, error), output)
    }
    if (this.#isOver) return
    this.#status.end(progress)
    this.#editor.print(line.isOneOfSeveral ? `${style('dim', `> ${shorten(text)}`, output)}\n${shown}` : shown)
  }

  /** Ctrl-C with nothing typed. */
  #interrupt(isRepeated: boolean): void {
    const [line] = this.#runner.unanswered
    if (line !== undefined && !isRepeated) this.#editor.print(this.#options.role.goesOn(line.text))
    else this.#end('interrupt', this.#options.role.interrupted)
  }

  async #complete(line: string) {
    const deadline = new AbortController()
    const ask = (question: string) =>
      Promise.race([
        this.#options.runLine(question, () => {}),
        delay(completionMs, null, { signal: deadline.signal }).catch(() => null),
      ])
    try {
      return await complete(line, ask, ['clear', 'exit'])
    } finally {
      deadline.abort()
    }
  }

  #end(reason: ConsoleEnd['reason'], message: string | null = null): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#runner.stop()
    this.#status.close()
    this.#options.shared?.use(null)
    this.#editor.close()
    this.#options.history.close()
    if (message !== null) this.#options.output.write(`${message}\n`)
    this.#setEnded({ reason, exitCode: 0 })
  }
}
