import { toCserviceError } from '../common/errors.ts'
import { plain, style } from './style.ts'

/** Where answers and errors go: text for people, or exactly one JSON value on stdout. */
export class Output {
  readonly isJson: boolean
  readonly #program: string

  constructor(program: string, isJson: boolean) {
    this.#program = program
    this.isJson = isJson
    // A reader that has gone (`cservice proxy info | head -1`) is no reason to fail, and none to end a service.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  }

  /** Whether a person sits before this process, who can be asked and attached. */
  get isInteractive(): boolean {
    return Boolean(process.stdin.isTTY && process.stdout.isTTY) && !this.isJson
  }

  /** The answer of a command. */
  async answer(words: readonly string[], answer: unknown): Promise<void> {
    if (this.isJson) return this.json(answer)
    if (typeof answer === 'string') return this.text(shown(answer, process.stdout))
    const { render } = await import('./render.ts')
    this.text(render(words, answer))
  }

  /** Text for people; nothing where JSON is wanted. */
  text(text: string): void {
    if (!this.isJson) process.stdout.write(`${text}\n`)
  }

  json(value: unknown): void {
    if (this.isJson) process.stdout.write(`${JSON.stringify(value ?? null)}\n`)
  }

  /** @returns the exit code that goes with it */
  async failure(thrown: unknown): Promise<number> {
    const error = toCserviceError(thrown)
    if (this.isJson) {
      this.json({ error })
      return error.exitCode
    }
    const lines = [`${this.#program}: ${plain(error.message)}`]
    if (error.details !== undefined && error.details !== null) {
      const { renderValue } = await import('./render-value.ts')
      lines.push(renderValue(error.details, '  '))
    }
    if (error.hint) lines.push(style('dim', plain(error.hint), process.stderr))
    process.stderr.write(`${lines.join('\n')}\n`)
    return error.exitCode
  }
}

/** What a service says may hold what its workers or its callers have said: nothing for a terminal to act on. */
function shown(text: string, stream: NodeJS.WriteStream): string {
  return stream.isTTY === true ? plain(text) : text
}
