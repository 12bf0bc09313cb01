import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type OnFinish, onTestFinish } from './on-finish.ts'
import { Screen } from './screen.ts'

export interface TerminalOptions {
  readonly columns?: number
  readonly rows?: number
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly onFinish?: OnFinish
}

// Isolated (-I), since its name is that of the module which it uses.
const script = fileURLToPath(new URL('./pty.py', import.meta.url))
const deadlineMs = 20_000

/** Keys as a terminal sends them. */
export const keys = {
  enter: '\r',
  tab: '\t',
  up: '\x1b[A',
  left: '\x1b[D',
  controlC: '\x03',
  controlD: '\x04',
  controlZ: '\x1a',
  pasted: (text: string) => `\x1b[200~${text}\x1b[201~`,
}

/** A program that runs on a real pseudo-terminal. Killed when the test is over. */
export class Terminal {
  readonly screen: Screen
  /** All bytes that the program has written, as text. */
  output = ''
  readonly #relay: ChildProcess
  readonly #exit: Promise<number | null>
  #look: () => void = () => {}

  constructor(program: string, words: readonly string[], options: TerminalOptions = {}) {
    const { columns = 80, rows = 24, env = process.env, cwd, onFinish = onTestFinish } = options
    this.screen = new Screen(columns, rows)
    this.#relay = spawn('python3', ['-I', script, String(columns), String(rows), program, ...words], {
      env: { ...env, TERM: 'xterm-256color' },
      stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
    })
    this.#exit = once(this.#relay, 'close').then(([code]) => code as number | null)
    this.#relay.stdin?.on('error', () => {})
    this.#control.on('error', () => {})
    this.#relay.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text
      this.screen.write(text)
      this.#look()
    })
    onFinish(async () => {
      this.#control.end()
      await this.#exit
    })
  }

  type(text: string | Buffer): void {
    this.#relay.stdin?.write(text)
  }

  resize(columns: number, rows: number): void {
    this.screen.resize(columns, rows)
    this.#control.write(`size ${columns} ${rows}\n`)
  }

  /** The terminal goes away, as when a window is closed. */
  hangUp(): void {
    this.#control.write('hangup\n')
  }

  /** Waits until it is seen, scrolled away or not. */
  async sees(pattern: RegExp): Promise<RegExpExecArray> {
    return await this.until(`${pattern}`, () => pattern.exec(this.screen.text))
  }

  /** Waits until the line of the cursor, up to it, is this one and nothing else. */
  async showsPrompt(typed = ''): Promise<void> {
    await this.until(`the prompt with ${JSON.stringify(typed)}`, () =>
      this.screen.beforeCursor === `cservice> ${typed}` ? true : null,
    )
  }

  async until<Answer>(what: string, probe: () => Answer | null): Promise<Answer> {
    const deadline = AbortSignal.timeout(deadlineMs)
    return await new Promise<Answer>((resolve, reject) => {
      this.#look = () => {
        const answer = probe()
        if (answer !== null) resolve(answer)
      }
      const fail = (why: string) => reject(new Error(`${what}: ${why}. The screen:\n${this.#tail}`))
      deadline.addEventListener('abort', () => fail('not seen in time'), { once: true })
      void this.#exit.then((code) => fail(`the program has ended (${code})`))
      this.#look()
    }).finally(() => {
      this.#look = () => {}
    })
  }

  /** How the program ended: its exit code, or 128 and the number of a signal. */
  async exited(): Promise<number | null> {
    const late = once(AbortSignal.timeout(deadlineMs), 'abort').then(() => {
      throw new Error(`the program runs on. The screen:\n${this.#tail}`)
    })
    return await Promise.race([this.#exit, late])
  }

  /** The last lines of the screen, for messages. */
  get #tail(): string {
    return this.screen.lines.slice(-30).join('\n')
  }

  get #control(): Writable {
    return this.#relay.stdio[3] as Writable
  }
}
