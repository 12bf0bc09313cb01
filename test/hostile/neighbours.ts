import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { OnFinish } from '../support/on-finish.ts'

/** What the well-behaved clients saw in a span of time. Times in milliseconds. */
export interface Span {
  readonly answers: number
  readonly failures: readonly string[]
  readonly p50: number | null
  readonly p99: number | null
}

const program = fileURLToPath(new URL('../fixtures/neighbours.mjs', import.meta.url))

/** Clients that behave, in a process of their own: what an attack costs the attacker is not taken for what it costs them. */
export class Neighbours {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>

  constructor(url: string, connections: number, onFinish: OnFinish) {
    this.#child = spawn(process.execPath, [program, url, String(connections)], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    onFinish(() => void this.#child.stdin.end())
  }

  /** What has happened since this was asked last. */
  async since(): Promise<Span> {
    this.#child.stdin.write('\n')
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('the well-behaved clients have ended')
    return JSON.parse(value) as Span
  }
}
