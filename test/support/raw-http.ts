import net from 'node:net'
import { type OnFinish, onTestFinish } from './on-finish.ts'

/** An answer as it stood on the wire. */
export interface RawAnswer {
  readonly status: number
  readonly reason: string
  /** Names in lower case, in the order of the wire, repeated ones repeated. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  /** The value of a field, the values joined with `, ` where it is repeated. */
  header(name: string): string | undefined
  /** Without its framing. */
  readonly body: string
  readonly trailers: ReadonlyArray<readonly [name: string, value: string]>
}

type End = 'length' | 'chunked' | 'close' | 'none'

const defaultDeadline = 10_000

/** Opens a connection on which the test writes every byte by itself. It is destroyed when the test is over. */
export async function rawConnection(
  port: number,
  options: { host?: string; onFinish?: OnFinish } = {},
): Promise<RawConnection> {
  const socket = net.connect({ port, host: options.host ?? '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const connection = new RawConnection(socket)
  ;(options.onFinish ?? onTestFinish)(() => connection.destroy())
  await connection.until('a connection', () => socket.readyState === 'open' || null)
  return connection
}

/** One connection, one request, one answer. Lines of the head are given without CR LF. */
export async function rawRequest(
  port: number,
  lines: readonly string[],
  body = '',
  options: { method?: string; host?: string; onFinish?: OnFinish } = {},
): Promise<RawAnswer> {
  const connection = await rawConnection(port, options)
  connection.write(`${lines.join('\r\n')}\r\n\r\n${body}`)
  const answer = await connection.answer({ method: options.method ?? lines[0]?.split(' ')[0] ?? 'GET' })
  connection.destroy()
  return answer
}

/** A client's end of a connection: bytes out, bytes and answers in, each wait with a deadline in milliseconds. */
export class RawConnection {
  readonly socket: net.Socket
  #received: Buffer = Buffer.alloc(0)
  #hasEnded = false
  #isClosed = false
  #error: NodeJS.ErrnoException | null = null
  readonly #wakeUps = new Set<() => void>()

  constructor(socket: net.Socket) {
    this.socket = socket
    socket.on('connect', () => this.#wake())
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake()
    })
    socket.on('end', () => {
      this.#hasEnded = true
      this.#wake()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = error
      this.#wake()
    })
    socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  /** What has arrived and has not been read as an answer. */
  get received(): string {
    return this.#received.toString('latin1')
  }

  /** `ECONNRESET` and the like; null if nothing went wrong. */
  get errorCode(): string | null {
    return this.#error?.code ?? null
  }

  write(data: string | Uint8Array): void {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
  }

  /** Half-closes: the peer sees the end, and can still answer. */
  end(): void {
    this.socket.end()
  }

  destroy(): void {
    this.socket.destroy()
  }

  /** Ends the connection with RST. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** Waits until `text` has arrived, and returns and takes everything up to its end. */
  readUntil(text: string, deadline = defaultDeadline): Promise<string> {
    return this.until(
      JSON.stringify(text),
      () => {
        const end = this.#received.indexOf(text, 0, 'latin1')
        if (end !== -1) return this.#take(end + text.length)
        this.#throwIfOver(JSON.stringify(text))
        return null
      },
      deadline,
    )
  }

  /** Waits for one whole answer and takes it. `method` says whether it may have a body; 1xx answers are answers as well. */
  answer(options: { method?: string; deadline?: number } = {}): Promise<RawAnswer> {
    return this.until('an answer', () => this.#takeAnswer(options.method ?? 'GET'), options.deadline)
  }

  /** Waits until the peer has ended or closed. Gives back how: `end` in order, otherwise the error code. */
  async closed(deadline = defaultDeadline): Promise<string> {
    await this.until('the end', () => this.#hasEnded || this.#isClosed || null, deadline)
    return this.#error?.code ?? 'end'
  }

  /** Asks `probe` whenever something happens on the connection, until it answers other than null. */
  until<Answer>(what: string, probe: () => Answer | null, deadline = defaultDeadline): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer)
        this.#wakeUps.delete(look)
        end()
      }
      const look = () => {
        try {
          const answer = probe()
          if (answer !== null) settle(() => resolve(answer))
          else if (this.#error && this.#isClosed)
            throw new Error(`${what}: ${this.#error.code}`, { cause: this.#error })
        } catch (error) {
          settle(() => reject(error))
        }
      }
      const timer = setTimeout(() => {
        settle(() => reject(new Error(`${what} did not arrive within ${deadline} ms; received: ${this.received}`)))
      }, deadline)
      this.#wakeUps.add(look)
      look()
    })
  }

  #takeAnswer(method: string): RawAnswer | null {
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd === -1) {
      this.#throwIfOver('an answer')
      return null
    }
    const [statusLine = '', ...fields] = this.#received.subarray(0, headEnd).toString('latin1').split('\r\n')
    const match = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(statusLine)
    if (!match) throw new Error(`not a status line: ${statusLine}`)
    const status = Number(match[1])
    const headers = parseFields(fields)
    const rest = this.#received.subarray(headEnd + 4)
    const content = this.#content(rest, framing(method, status, headers), headers)
    if (content === null) return null
    this.#take(headEnd + 4 + content.taken)
    const header = (name: string) => fieldValue(headers, name)
    return { status, reason: match[2] ?? '', headers, header, body: content.body, trailers: content.trailers }
  }

  #content(
    rest: Buffer,
    end: End,
    headers: RawAnswer['headers'],
  ): { body: string; taken: number; trailers: RawAnswer['trailers'] } | null {
    if (end === 'none') return { body: '', taken: 0, trailers: [] }
    if (end === 'length') {
      const length = Number(fieldValue(headers, 'content-length'))
      if (rest.length >= length) return { body: rest.toString('latin1', 0, length), taken: length, trailers: [] }
      this.#throwIfOver(`${length} bytes of body`)
      return null
    }
    if (end === 'chunked') {
      const chunks = parseChunks(rest)
      if (chunks === null) this.#throwIfOver('the last chunk')
      return chunks
    }
    if (!this.#hasEnded) {
      this.#throwIfOver('the end of the body')
      return null
    }
    return { body: rest.toString('latin1'), taken: rest.length, trailers: [] }
  }

  #throwIfOver(what: string): void {
    if (!this.#hasEnded && !this.#isClosed) return
    const reason = this.#error?.code ?? 'the end of the connection'
    throw new Error(`${what} did not arrive before ${reason}; received: ${this.received}`, { cause: this.#error })
  }

  #take(length: number): string {
    const text = this.#received.toString('latin1', 0, length)
    this.#received = this.#received.subarray(length)
    return text
  }

  #wake(): void {
    for (const look of [...this.#wakeUps]) look()
  }
}

/** RFC 9112 6.3. */
function framing(method: string, status: number, headers: RawAnswer['headers']): End {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none'
  if (fieldValue(headers, 'transfer-encoding')?.toLowerCase().endsWith('chunked')) return 'chunked'
  return fieldValue(headers, 'content-length') === undefined ? 'close' : 'length'
}

function parseChunks(data: Buffer): { body: string; taken: number; trailers: RawAnswer['trailers'] } | null {
  let body = ''
  let at = 0
  for (;;) {
    const lineEnd = data.indexOf('\r\n', at)
    if (lineEnd === -1) return null
    const size = Number.parseInt(data.toString('latin1', at, lineEnd), 16)
    if (Number.isNaN(size)) throw new Error(`not a chunk size: ${data.toString('latin1', at, lineEnd)}`)
    at = lineEnd + 2
    if (size === 0) break
    if (data.length < at + size + 2) return null
    body += data.toString('latin1', at, at + size)
    at += size + 2
  }
  const trailers: string[] = []
  for (;;) {
    const lineEnd = data.indexOf('\r\n', at)
    if (lineEnd === -1) return null
    const line = data.toString('latin1', at, lineEnd)
    at = lineEnd + 2
    if (line === '') return { body, taken: at, trailers: parseFields(trailers) }
    trailers.push(line)
  }
}

function parseFields(lines: readonly string[]): Array<readonly [string, string]> {
  return lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
}

function fieldValue(headers: RawAnswer['headers'], name: string): string | undefined {
  const values = headers.filter(([field]) => field === name.toLowerCase()).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}
