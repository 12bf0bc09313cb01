import { closeSync, openSync, writeSync } from 'node:fs'
import { withMaskedKey } from '../routing/access/preview-traces.ts'

const batchMs = 200
const batchBytes = 64 * 1024

/** One finished request. */
export interface AccessLogLine {
  readonly time: string
  readonly requestId: string
  readonly client: string
  readonly method: string
  readonly target: string
  /** 0: the client left before there was an answer. */
  readonly status: number
  /** Bytes sent to the client, head included; for HTTP/2 those of the body, since heads are compressed for the whole connection. */
  readonly bytes: number
  /** Milliseconds. */
  readonly duration: number
  readonly version: string | null
  readonly by: string | null
  readonly worker: string | null
  readonly retries: number
}

/**
 * Appends one JSON line a request to a file. Several processes append to the same file: it is opened with O_APPEND, and
 * each write is whole lines. Batches are large and go to the page cache, so they are written synchronously: nothing is
 * under way when the process ends.
 */
export class AccessLog {
  readonly #descriptor: number
  #lines: string[] = []
  #size = 0
  #isClosed = false
  #timer: NodeJS.Timeout | null = null

  /** @throws the system's error if the file cannot be opened */
  constructor(file: string) {
    this.#descriptor = openSync(file, 'a', 0o640)
  }

  add(line: AccessLogLine): void {
    if (this.#isClosed) return
    const text = `${JSON.stringify({ ...line, target: withMaskedKey(line.target) })}\n`
    this.#lines.push(text)
    this.#size += text.length
    if (this.#size >= batchBytes) this.#write()
    else this.#timer ??= setTimeout(() => this.#write(), batchMs).unref()
  }

  /** Writes what is left, and closes the file. */
  close(): void {
    if (this.#isClosed) return
    this.#write()
    this.#isClosed = true
    closeSync(this.#descriptor)
  }

  #write(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    const text = this.#lines.join('')
    this.#lines = []
    this.#size = 0
    try {
      if (text !== '') writeSync(this.#descriptor, text)
    } catch {
      // A full disk costs lines of the log, not requests.
    }
  }
}
