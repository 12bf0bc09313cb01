import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { LentReads } from '../../../../src/proxy/dataplane/fast/lent-reads.ts'
import { makeCertificate } from '../../../support/make-certificate.ts'

/** A connection whose accepted end has not been touched; whoever asks first may do so in the turn in which it is accepted. */
async function acceptOne<T>(use: (accepted: Socket) => T): Promise<{ client: Socket; used: T; server: Server }> {
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const used = new Promise<T>((resolve) => server.once('connection', (accepted) => resolve(use(accepted))))
  const client = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1')
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  return { client, used: await used, server }
}

/** The same, with TLS: there is something to have once the handshake is over. */
async function acceptOneEncrypted<T>(use: (accepted: Socket) => T): Promise<{ client: Socket; used: T }> {
  const { key, cert } = makeCertificate({ names: ['a.test'], commonName: 'a.test' })
  const server = createTlsServer({ key, cert })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const used = new Promise<T>((resolve) => server.once('secureConnection', (accepted) => resolve(use(accepted))))
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const client = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  return { client, used: await used }
}

/** Reads, and says when something has come. */
function startReading(accepted: Socket): { reads: LentReads; until(text: string): Promise<void> } {
  let text = ''
  let notify = (): void => {}
  const reads = new LentReads(accepted, (buffer, length) => {
    text += buffer.toString('latin1', 0, length)
    notify()
  })
  const until = async (expected: string): Promise<void> => {
    while (text !== expected) await new Promise<void>((resolve) => (notify = resolve))
  }
  return { reads, until }
}

/** All that comes out of it, with a pause after each piece. */
async function collect(slow: PassThrough): Promise<Buffer> {
  const received: Buffer[] = []
  for await (const chunk of slow) {
    received.push(chunk as Buffer)
    await turn()
  }
  return Buffer.concat(received)
}

test('what comes is lent, not streamed, on every Node line: the accepted socket is not used any more', async () => {
  const { client, used, server } = await acceptOne((accepted) => ({ accepted, ...startReading(accepted) }))
  onTestFinished(() => void used.reads.socket.destroy())
  expect(used.reads.socket).not.toBe(used.accepted)
  client.write('one')
  await used.until('one')
  used.reads.socket.pause()
  client.write(' two')
  await turn()
  used.reads.socket.resume()
  await used.until('one two')
  expect(used.reads.socket.bytesRead).toBe(7)
  expect(used.reads.socket.remoteAddress).toBe('127.0.0.1')
  used.reads.socket.write('back')
  expect(String((await once(client, 'data'))[0])).toBe('back')
  // The server does not wait for a connection that it no longer has.
  const closed = once(server, 'close')
  server.close()
  await closed
  const ended = once(used.reads.socket, 'end')
  client.end()
  await ended
})

test('with TLS what comes is lent as well, on every Node line: the stream gets nothing of it', async () => {
  const { client, used } = await acceptOneEncrypted((accepted) => ({ accepted, ...startReading(accepted) }))
  const { socket } = used.reads
  onTestFinished(() => void socket.destroy())
  expect(socket).toBe(used.accepted)
  expect(socket.listenerCount('data')).toBe(0)
  client.write('one')
  await used.until('one')
  socket.pause()
  client.write(' two')
  await turn()
  socket.resume()
  await used.until('one two')
  socket.write('back')
  expect(String((await once(client, 'data'))[0])).toBe('back')
  const ended = once(socket, 'end')
  client.end()
  await ended
})

test('with TLS pieces larger than the memory that is shared arrive whole and in order', async () => {
  const sent = Buffer.from(Array.from({ length: 500_000 }, (_, index) => index % 251))
  const received: Buffer[] = []
  let length = 0
  let notify = (): void => {}
  const { client, used } = await acceptOneEncrypted(
    (accepted) =>
      new LentReads(accepted, (bytes, size) => {
        received.push(Buffer.from(bytes.subarray(0, size)))
        length += size
        notify()
      }),
  )
  onTestFinished(() => void used.socket.destroy())
  client.write(sent)
  while (length < sent.length) await new Promise<void>((resolve) => (notify = resolve))
  expect(Buffer.concat(received).equals(sent)).toBe(true)
})

test('with TLS a socket that was released is a stream: piped to somebody slow, everything arrives', async () => {
  const { client, used } = await acceptOneEncrypted(startReading)
  onTestFinished(() => void used.reads.socket.destroy())
  client.write('first')
  await used.until('first')
  used.reads.release()
  const slow = new PassThrough({ highWaterMark: 1_000 })
  used.reads.socket.pipe(slow)
  const sent = Buffer.alloc(1_000_000, 'abcdefg')
  client.end(sent)
  expect((await collect(slow)).equals(sent)).toBe(true)
})

test('a socket that was released is a stream: piped to somebody slow, everything arrives', async () => {
  const { client, used } = await acceptOne(startReading)
  onTestFinished(() => void used.reads.socket.destroy())
  client.write('first')
  await used.until('first')
  used.reads.release()
  const slow = new PassThrough({ highWaterMark: 1_000 })
  used.reads.socket.pipe(slow)
  const sent = Buffer.alloc(3_000_000, 'abcdefg')
  client.end(sent)
  expect((await collect(slow)).equals(sent)).toBe(true)
})

test('a released socket that nobody reads takes in a bounded amount', async () => {
  const { client, used } = await acceptOne(startReading)
  const { socket } = used.reads
  onTestFinished(() => void socket.destroy())
  client.write('first')
  await used.until('first')
  used.reads.release()
  const onReadable = (): void => {}
  socket.on('readable', onReadable)
  client.write(Buffer.alloc(20_000_000))
  let before = -1
  while (socket.bytesRead !== before) {
    before = socket.bytesRead
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  expect(socket.bytesRead).toBeLessThan(1_000_000)
  socket.off('readable', onReadable)
  socket.on('data', () => {})
  socket.resume()
  const ended = once(socket, 'end')
  client.end()
  await ended
  expect(socket.bytesRead).toBe(20_000_005)
})

test('a socket from which something has been read already is read as a stream, with the same bytes', async () => {
  const { client, used } = await acceptOne((accepted) => accepted)
  client.write('header|rest')
  const [chunk] = (await once(used, 'data')) as [Buffer]
  used.pause()
  used.unshift(chunk.subarray(7))
  const { reads, until } = startReading(used)
  expect(reads.socket).toBe(used)
  used.resume()
  await until('rest')
  client.write(' and more')
  await until('rest and more')
})
