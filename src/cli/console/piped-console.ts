import { StringDecoder } from 'node:string_decoder'
import { CserviceError, toCserviceError } from '../../common/errors.ts'
import type { Console, ConsoleEnd, ConsoleOptions } from './console.ts'
import { showAnswer, showFailure } from './show.ts'

/** What a command line may have, as over REST. */
const maxLine = 1024 * 1024

/** Lines from a pipe or a file: each is a command, run when the one before has been answered. No prompt, no echo. */
export class PipedConsole implements Console {
  readonly ended: Promise<ConsoleEnd>
  readonly #options: ConsoleOptions
  readonly #decoder = new StringDecoder('utf8')
  readonly #lines: string[] = []
  /** The beginning of a line, in pieces; null when it is too long, until it ends. */
  #partial: string[] | null = []
  #partialLength = 0
  #exitCode = 0
  #isRunning = false
  #hasInputEnded = false
  #isOver = false
  #setEnded: (end: ConsoleEnd) => void = () => {}
  readonly #onData = (chunk: Buffer | string) =>
    this.#take(typeof chunk === 'string' ? chunk : this.#decoder.write(chunk))
  readonly #onEnd = () => this.#endInput()

  constructor(options: ConsoleOptions) {
    this.#options = options
    this.ended = new Promise((resolve) => {
      this.#setEnded = resolve
    })
    options.input.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onEnd)
  }

  close(message?: string): void {
    if (message !== undefined && !this.#isOver && !this.#options.isJson) this.#options.errors.write(`${message}\n`)
    this.#end('closed')
  }

  #take(text: string): void {
    const [first = '', ...others] = text.split('\n')
    this.#extend(first)
    for (const beginning of others) {
      this.#finishLine()
      this.#extend(beginning)
    }
    void this.#runAll()
  }

  #extend(text: string): void {
    this.#partialLength += text.length
    if (this.#partialLength > maxLine) this.#partial = null
    this.#partial?.push(text)
  }

  #finishLine(): void {
    // A line that is too long for every command is kept as one that is just too long, so that it fails in its turn.
    this.#lines.push(this.#partial?.join('') ?? ' '.repeat(maxLine + 1))
    this.#partial = []
    this.#partialLength = 0
  }

  #endInput(): void {
    this.#take(this.#decoder.end())
    if (this.#partialLength > 0) this.#finishLine()
    this.#hasInputEnded = true
    void this.#runAll()
  }

  async #runAll(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#options.input.pause()
    while (!this.#isOver) {
      const line = this.#lines.shift()
      if (line === undefined) break
      await this.#run(line)
    }
    this.#isRunning = false
    if (this.#hasInputEnded) this.#end('left')
    else if (!this.#isOver) this.#options.input.resume()
  }

  async #run(line: string): Promise<void> {
    const { role, runLine } = this.#options
    try {
      if (line.length > maxLine) throw new CserviceError('BODY_TOO_LARGE', 'The line is too long')
      if (line.trim() === '') return
      if (role.isLeave(line)) {
        this.#say(role.farewell)
        this.#end('left')
        return
      }
      const answer = await runLine(role.translate(line.trim()), () => {})
      if (!this.#isOver) this.#answer(line, answer)
    } catch (thrown) {
      this.#fail(role.explain(line, thrown))
    }
  }

  #answer(line: string, answer: unknown): void {
    const { isJson, output } = this.#options
    output.write(`${isJson ? JSON.stringify(answer ?? null) : showAnswer(line, answer)}\n`)
  }

  #fail(thrown: unknown): void {
    const error = toCserviceError(thrown)
    this.#exitCode = error.exitCode
    const { isJson, output, errors } = this.#options
    if (isJson) output.write(`${JSON.stringify({ error })}\n`)
    else errors.write(`${showFailure(error, errors)}\n`)
    // Nobody is there to run what is still to come.
    if (error.code === 'NO_GATEWAY') this.#end('left')
  }

  #say(text: string): void {
    if (!this.#options.isJson) this.#options.output.write(`${text}\n`)
  }

  #end(reason: ConsoleEnd['reason']): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#lines.length = 0
    this.#options.input.off('data', this.#onData).off('end', this.#onEnd).pause()
    this.#setEnded({ reason, exitCode: this.#exitCode })
  }
}
