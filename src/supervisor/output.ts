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

type StreamName = keyof OutputSink

export const processOutput: OutputSink = { stdout: process.stdout, stderr: process.stderr }

/** Forwards a worker's output line by line with a prefix, and keeps the last lines of its standard error. */
export class Output {
  readonly #tail: string[] = []
  readonly #prefix: () => string
  readonly #sink: OutputSink | null
  readonly #partial = { stdout: '', stderr: '' }
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
    this.#sink = sink
    const followed = [this.#follow(streams.stdout, 'stdout'), this.#follow(streams.stderr, 'stderr')]
    this.ended = Promise.all(followed).then(() => {})
  }

  /** The last lines of standard error, oldest first. */
  get tail(): readonly string[] {
    return [...this.#tail]
  }

  /** More of what it writes, from wherever. */
  push(name: StreamName, text: string): void {
    const lines = (this.#partial[name] + text).split('\n')
    let partial = lines.pop() ?? ''
    if (partial.length > maxBacklog) {
      lines.push(partial.slice(0, keptLength))
      partial = ''
    }
    this.#partial[name] = partial
    this.#take(lines, name)
  }

  /** Nothing more comes: what is left is a line. */
  end(...names: StreamName[]): void {
    for (const name of names) {
      const partial = this.#partial[name]
      this.#partial[name] = ''
      this.#take(partial === '' ? [] : [partial], name)
    }
  }

  async #follow(from: Readable | null, name: StreamName): Promise<void> {
    if (from === null) return
    from.setEncoding('utf8')
    from.on('data', (text: string) => this.push(name, text))
    from.on('end', () => this.end(name))
    from.on('error', () => {}) // the worker's end broke; its exit says why
    await new Promise((resolve) => from.once('close', resolve))
  }

  #take(lines: readonly string[], name: StreamName): void {
    if (name === 'stderr') {
      for (const line of lines) if (line.trim() !== '') this.#tail.push(line.slice(0, keptLength))
      if (this.#tail.length > keptLines) this.#tail.splice(0, this.#tail.length - keptLines)
    }
    const to = this.#sink?.[name]
    if (lines.length === 0 || to === undefined || to.writableLength > maxBacklog) return
    const prefix = this.#prefix()
    to.write(lines.map((line) => `${prefix}${line}\n`).join(''))
  }
}
