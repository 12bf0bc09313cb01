import type { Readable } from 'node:stream'

/** Lines and characters that are kept of a worker's standard error, so that a failure can explain itself. */
const keptLines = 20
const keptLength = 2_000
/**
 * A worker may write faster than our own output drains; beyond this many bytes lines are dropped, never a worker blocked.
 * That holds for files and terminals; a pipe is written synchronously on Linux, so whoever reads it must go on reading.
 */
const maxBacklog = 4 * 1024 * 1024

/** Where workers' lines go: our own standard output and error, or both to one of them. */
export interface OutputSink {
  readonly stdout: NodeJS.WritableStream & { readonly writableLength: number }
  readonly stderr: NodeJS.WritableStream & { readonly writableLength: number }
}

export const processOutput: OutputSink = { stdout: process.stdout, stderr: process.stderr }

/** Forwards a worker's output line by line with a prefix, and keeps the last lines of its standard error. */
export class Output {
  readonly #tail: string[] = []
  readonly #prefix: () => string
  /** Resolves when the last line has been read. */
  readonly ended: Promise<void>

  /**
   * @param prefix of each line
   * @param sink null: what is said is dropped
   */
  constructor(
    streams: { stdout: Readable | null; stderr: Readable | null },
    prefix: () => string,
    sink: OutputSink | null,
  ) {
    this.#prefix = prefix
    const followed = [
      this.#follow(streams.stdout, sink?.stdout ?? null, false),
      this.#follow(streams.stderr, sink?.stderr ?? null, true),
    ]
    this.ended = Promise.all(followed).then(() => {})
  }

  /** The last lines of standard error, oldest first. */
  get tail(): readonly string[] {
    return [...this.#tail]
  }

  async #follow(from: Readable | null, to: OutputSink['stdout'] | null, isKept: boolean): Promise<void> {
    if (from === null) return
    let partial = ''
    from.setEncoding('utf8')
    from.on('data', (text: string) => {
      const lines = (partial + text).split('\n')
      partial = lines.pop() ?? ''
      if (partial.length > maxBacklog) {
        lines.push(partial.slice(0, keptLength))
        partial = ''
      }
      this.#take(lines, to, isKept)
    })
    from.on('end', () => this.#take(partial === '' ? [] : [partial], to, isKept))
    from.on('error', () => {}) // the worker's end broke; its exit says why
    await new Promise((resolve) => from.once('close', resolve))
  }

  #take(lines: readonly string[], to: OutputSink['stdout'] | null, isKept: boolean): void {
    if (isKept) {
      for (const line of lines) if (line.trim() !== '') this.#tail.push(line.slice(0, keptLength))
      if (this.#tail.length > keptLines) this.#tail.splice(0, this.#tail.length - keptLines)
    }
    if (lines.length === 0 || to === null || to.writableLength > maxBacklog) return
    const prefix = this.#prefix()
    to.write(lines.map((line) => `${prefix}${line}\n`).join(''))
  }
}
