import type { Socket } from 'node:net'

/** Frame types (RFC 9113 6), flags and error codes (7) by name. */
export const Type = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const
export const Flag = { ack: 1, endStream: 1, endHeaders: 4 } as const
export const ErrorCode = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  refused: 7,
  cancel: 8,
  calm: 11,
} as const

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** The bytes of one frame. */
export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload as string, 'latin1')
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, body])
}

/** A header block of literals that are not indexed and not Huffman-coded (RFC 7541 6.2.2): says whatever it is told to. */
export function block(...lines: ReadonlyArray<readonly [name: string, value: string]>): Buffer {
  return Buffer.concat(lines.flatMap(([name, value]) => [Buffer.from([0]), ...literal(name), ...literal(value)]))
}

/** The pseudo-header fields of a plain request, and what follows them. */
export function request(
  pseudo: Partial<Record<'method' | 'scheme' | 'authority' | 'path', string | null>> = {},
  ...lines: ReadonlyArray<readonly [name: string, value: string]>
): Buffer {
  const all = { method: 'GET', scheme: 'http', path: '/', authority: 'example.test', ...pseudo }
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null)
  return block(...given.map(([name, value]) => [`:${name}`, value] as const), ...lines)
}

/** A client that writes frames one by one, and keeps those that come. */
export class FrameClient {
  readonly socket: Socket
  readonly frames: Frame[] = []
  isClosed = false
  #unread = Buffer.alloc(0)

  constructor(socket: Socket, settings: Buffer = Buffer.alloc(0)) {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('close', () => {
      this.isClosed = true
    })
    socket.write(Buffer.concat([preface, frame(Type.settings, 0, 0, settings)]))
  }

  send(...frames: readonly Buffer[]): this {
    this.socket.write(Buffer.concat(frames))
    return this
  }

  headers(stream: number, headerBlock: Buffer, flags: number = Flag.endStream): this {
    return this.send(frame(Type.headers, flags | Flag.endHeaders, stream, headerBlock))
  }

  /** The first frame like this, of those that have come or will come. @throws if the connection ends without it */
  async until(find: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(find)
      if (found !== undefined) return found
      if (this.isClosed) throw new Error(`closed; there were ${JSON.stringify(this.frames.map(describe))}`)
      await this.#event()
    }
  }

  /** The code with which the stream was reset. */
  async reset(stream: number): Promise<number> {
    return (await this.until((one) => one.type === Type.reset && one.stream === stream)).payload.readUInt32BE(0)
  }

  /** The code with which the connection was ended. */
  async goaway(): Promise<number> {
    return (await this.until((one) => one.type === Type.goaway)).payload.readUInt32BE(4)
  }

  /** The bytes of an answer, once it is whole. */
  async body(stream: number): Promise<string> {
    await this.until((one) => one.stream === stream && one.type <= 1 && (one.flags & Flag.endStream) !== 0)
    const data = this.frames.filter((one) => one.type === Type.data && one.stream === stream)
    return Buffer.concat(data.map(({ payload }) => payload)).toString('latin1')
  }

  async closed(): Promise<void> {
    while (!this.isClosed) await this.#event()
  }

  #take(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk])
    while (this.#unread.length >= 9) {
      const length = this.#unread.readUIntBE(0, 3)
      if (this.#unread.length < 9 + length) return
      const [type = 0, flags = 0] = this.#unread.subarray(3, 5)
      const stream = this.#unread.readUInt32BE(5)
      this.frames.push({ type, flags, stream, payload: this.#unread.subarray(9, 9 + length) })
      this.#unread = this.#unread.subarray(9 + length)
      if (type === Type.settings && (flags & Flag.ack) === 0) this.send(frame(Type.settings, Flag.ack, 0))
    }
  }

  #event(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.socket.off('data', done)
        this.socket.off('close', done)
        resolve()
      }
      this.socket.on('data', done)
      this.socket.on('close', done)
    })
  }
}

function describe({ type, flags, stream, payload }: Frame): string {
  return `${type}/${flags}/${stream}/${payload.toString('hex', 0, 16)}`
}

function literal(text: string): Buffer[] {
  const bytes = Buffer.from(text, 'latin1')
  return [integer(bytes.length), bytes]
}

/** With a prefix of 7 bits (RFC 7541 5.1). */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.from([value])
  const bytes = [127]
  let left = value - 127
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128)
  return Buffer.from([...bytes, left])
}
