import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { eventually, get, startGateway, startRawWorker } from '../harness.ts'

// What is read of a large body goes on without a copy, and its memory is used again once it has been written. So what one
// connection was told too early that it may read into is what another one still has to write: these tests have connections that
// write slowly and others that read much meanwhile, and look at every byte.

/** Bytes of which no part is like another part, nor like any part of another id. */
function contents(id: number, size: number): Buffer {
  const words = new Uint32Array(Math.ceil(size / 4))
  for (let index = 0; index < words.length; index++)
    words[index] = (Math.imul(id, 0x9e3779b1) ^ Math.imul(index, 0x85ebca6b)) >>> 0
  return Buffer.from(words.buffer, 0, size)
}

/** Reads a head, and then the bytes that are expected. */
class Checker {
  received = 0
  #head = ''
  readonly #expected: Buffer

  constructor(expected: Buffer) {
    this.#expected = expected
  }

  get isWhole(): boolean {
    return this.received === this.#expected.length
  }

  /** @throws if it is not what was expected */
  take(chunk: Buffer): void {
    let bytes = chunk
    if (!this.#head.includes('\r\n\r\n')) {
      const end = `${this.#head}${chunk.toString('latin1')}`.indexOf('\r\n\r\n')
      const before = this.#head.length
      this.#head += chunk.toString('latin1')
      if (end === -1) return
      bytes = chunk.subarray(end + 4 - before)
    }
    const expected = this.#expected.subarray(this.received, this.received + bytes.length)
    if (!bytes.equals(expected))
      throw new Error(`other bytes between ${this.received} and ${this.received + bytes.length}`)
    this.received += bytes.length
  }
}

function check(socket: Socket, expected: Buffer): Checker {
  const checker = new Checker(expected)
  socket.on('data', (chunk: Buffer) => {
    try {
      checker.take(chunk)
    } catch (error) {
      socket.destroy(error as Error)
    }
  })
  return checker
}

interface Client {
  readonly socket: Socket
  error: Error | null
}

function open(port: number): Client {
  const client: Client = { socket: connect(port, '127.0.0.1'), error: null }
  client.socket.on('error', (error) => {
    client.error ??= error
  })
  onTestFinished(() => void client.socket.destroy())
  return client
}

/** Resolves once nothing of this number changes any more. */
async function settled(count: () => number): Promise<void> {
  for (let before = -1, same = 0; same < 5; before = count()) {
    same = count() === before ? same + 1 : 0
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const slowSize = 9_000_000
const quickSize = 1_000_000
const slowCount = 6

function inChunks(body: Buffer, size: number): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; at += size) {
    const data = body.subarray(at, at + size)
    parts.push(Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

test.each([
  ['of a stated length', (body: Buffer) => ({ framing: `Content-Length: ${body.length}`, bytes: body })],
  ['in chunks', (body: Buffer) => ({ framing: 'Transfer-Encoding: chunked', bytes: inChunks(body, 300_001) })],
])(
  'answers %s reach clients that read late as they were sent, whatever others read meanwhile',
  async (_name, frame) => {
    let sent = 0
    const worker = await startRawWorker((socket) => {
      socket.on('data', (chunk) => {
        const [, id, size] = /^GET \/(\d+)\/(\d+)/.exec(chunk.toString('latin1')) ?? []
        const { framing, bytes } = frame(contents(Number(id), Number(size)))
        socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`)
        for (let at = 0; at < bytes.length; at += 100_000)
          socket.write(bytes.subarray(at, at + 100_000), () => {
            sent += 100_000
          })
      })
    })
    const { port } = await startGateway({ v1: [worker.target] })
    const request = (id: number, size: number): { client: Client; checker: Checker } => {
      const client = open(port)
      const checker = check(client.socket, frame(contents(id, size)).bytes)
      client.socket.write(get(`/${id}/${size}`))
      return { client, checker }
    }
    const slow = Array.from({ length: slowCount }, (_, index) => {
      const made = request(index, slowSize)
      made.client.socket.pause()
      return made
    })
    await settled(() => sent) // by now some of each answer waits in the gateway
    expect(sent).toBeLessThan(slowCount * slowSize)
    for (let round = 0; round < 3; round++) {
      const quick = Array.from({ length: 12 }, (_, index) => request(100 + round * 12 + index, quickSize))
      await eventually(() => quick.every(({ client, checker }) => checker.isWhole || client.socket.destroyed))
      expect(quick.map(({ client }) => client.error)).toEqual(quick.map(() => null))
      // Somebody leaves with an answer unread: its memory is another one's afterwards.
      slow[round]?.client.socket.destroy()
    }
    const left = slow.slice(3)
    for (const { client } of left) client.socket.resume()
    await eventually(() => left.every(({ client, checker }) => checker.isWhole || client.socket.destroyed))
    expect(left.map(({ client }) => client.error)).toEqual(left.map(() => null))
  },
)

test('uploads reach a worker that reads late as they were sent, whatever others upload meanwhile', async () => {
  const late: Socket[] = []
  const checkers: Checker[] = []
  const errors: unknown[] = []
  const worker = await startRawWorker((socket) => {
    socket.once('data', (chunk) => {
      const [, id, size, isLate] = /^POST \/(\d+)\/(\d+)\/(late)?/.exec(chunk.toString('latin1')) ?? []
      const checker = check(socket, contents(Number(id), Number(size)))
      checkers.push(checker)
      socket.on('error', (error) => errors.push(error))
      socket.on('data', () => {
        if (checker.isWhole) socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok')
      })
      if (isLate) late.push(socket.pause())
      // What came first is checked as well.
      socket.unshift(chunk)
    })
  })
  const { port } = await startGateway({ v1: [worker.target] })
  const upload = (id: number, size: number, path = ''): Promise<unknown> => {
    const { socket } = open(port)
    socket.write(`POST /${id}/${size}/${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`)
    socket.write(contents(id, size))
    return once(socket, 'data')
  }
  const slow = Array.from({ length: slowCount }, (_, index) => upload(index, slowSize, 'late'))
  await eventually(() => late.length === slowCount)
  await settled(() => late.reduce((sum, socket) => sum + socket.bytesRead, 0))
  for (let round = 0; round < 3; round++)
    await Promise.all(Array.from({ length: 12 }, (_, index) => upload(100 + round * 12 + index, quickSize)))
  expect(checkers.filter(({ isWhole }) => !isWhole)).toHaveLength(slowCount)
  for (const socket of late) socket.resume()
  const answers = await Promise.all(slow)
  expect(answers.map(String).filter((text) => text.startsWith('HTTP/1.1 200'))).toHaveLength(slowCount)
  expect(errors).toEqual([])
})

test('the end of an answer that a client has not read yet stays what it was, whatever comes next from the same worker', async () => {
  const size = 100_000 // is read in one go, and so is the end of its exchange: the worker's connection is free for the next
  const count = 60
  let answered = 0
  const worker = await startRawWorker((socket) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        const id = Number(/^GET \/(\d+)/.exec(text)?.[1])
        text = text.slice(end + 4)
        answered++
        socket.write(
          Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`), contents(id, size)]),
        )
      }
    })
  })
  const { port } = await startGateway({ v1: [worker.target] })
  const slow = Array.from({ length: 4 }, (_, index) => {
    const first = index * count
    const { socket } = open(port)
    const received: Buffer[] = []
    socket.on('data', (chunk: Buffer) => received.push(chunk))
    socket.pause()
    socket.write(Array.from({ length: count }, (_, number) => get(`/${first + number}`)).join(''))
    return { first, socket, received }
  })
  await settled(() => answered)
  expect(answered).toBeLessThan(4 * count) // an end waits in the gateway, for each of them
  for (let round = 0; round < 3; round++) {
    const quick = Array.from({ length: 12 }, (_, index) => {
      const id = 1_000 + round * 12 + index
      const client = open(port)
      const checker = check(client.socket, contents(id, size))
      client.socket.write(get(`/${id}`))
      return { client, checker }
    })
    await eventually(() => quick.every(({ client, checker }) => checker.isWhole || client.socket.destroyed))
    expect(quick.map(({ client }) => client.error)).toEqual(quick.map(() => null))
  }
  for (const { socket } of slow) socket.resume()
  await eventually(() => answered === 4 * count + 36)
  for (const { first, received } of slow) {
    const length = (): number => received.reduce((sum, chunk) => sum + chunk.length, 0)
    await eventually(() => length() > count * size)
    await settled(length)
    const all = Buffer.concat(received)
    let at = 0
    for (let number = 0; number < count; number++) {
      at = all.indexOf('\r\n\r\n', at) + 4
      expect(all.subarray(at, at + size).equals(contents(first + number, size))).toBe(true)
      at += size
    }
    expect(at).toBe(all.length)
  }
})
