import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { readClientHello } from '../../../src/proxy/dataplane/client-hello.ts'

/** What a client of Node sends first. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', ...options })
  client.on('error', () => {})
  const [socket] = await once(server, 'connection')
  const [bytes] = await once(socket, 'data')
  socket.destroy()
  client.destroy()
  server.close()
  return bytes as Buffer
}

/** The same handshake message in records of a few bytes each. */
function inRecords(hello: Buffer, size: number): Buffer {
  const records: Buffer[] = []
  for (let start = 5; start < hello.length; start += size) {
    const fragment = hello.subarray(start, start + size)
    records.push(Buffer.from([22, 3, 1, fragment.length >> 8, fragment.length & 0xff]), fragment)
  }
  return Buffer.concat(records)
}

let hello: Buffer
beforeAll(async () => {
  hello = await helloOf({ servername: 'App.Example.com', ALPNProtocols: ['h2', 'http/1.1'] })
})

test('the name is found as the client wrote it', () => {
  expect(readClientHello(hello)).toEqual({ isWhole: true, servername: 'App.Example.com' })
})

test('a client that names nobody', async () => {
  expect(readClientHello(await helloOf({}))).toEqual({ isWhole: true, servername: null })
})

test('cut anywhere, more is asked for, and never more than there is', () => {
  for (let length = 0; length < hello.length; length++) {
    const read = readClientHello(hello.subarray(0, length))
    expect(read.isWhole).toBe(false)
    if (!read.isWhole) expect([read.needed > length, read.needed <= hello.length]).toEqual([true, true])
  }
})

test('a message in several records is put together', () => {
  const records = inRecords(hello, 100)
  expect(readClientHello(records)).toEqual({ isWhole: true, servername: 'App.Example.com' })
  expect(readClientHello(records.subarray(0, -1)).isWhole).toBe(false)
})

test('what comes behind the message does not matter', () => {
  expect(readClientHello(Buffer.concat([hello, Buffer.from('more')]))).toMatchObject({ servername: 'App.Example.com' })
})

test.each([
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['an empty record', Buffer.from([22, 3, 1, 0, 0])],
  ['a record of 60 KB', Buffer.from([22, 3, 1, 0xff, 0xff])],
  ['another message', Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
  ['an alert', Buffer.from([21, 3, 1, 0, 2, 1, 0])],
  ['a message without anything in it', Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0])],
  ['a message of 16 MB', Buffer.from([22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff])],
  ['a message in records of one byte', inRecords(Buffer.concat([Buffer.alloc(5), Buffer.alloc(100, 1)]), 1)],
])('%s is a whole of which no name is known', (_, bytes) => {
  expect(readClientHello(bytes)).toEqual({ isWhole: true, servername: null })
})

test('whatever bytes are changed, inserted or cut, it answers, and asks for 256 KiB at most', () => {
  const change = fc.record({ at: fc.nat(600), remove: fc.nat(20), insert: fc.uint8Array({ maxLength: 20 }) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 5 }), fc.boolean(), (changes, isSplit) => {
      let bytes = isSplit ? inRecords(hello, 60) : hello
      for (const { at, remove, insert } of changes) {
        bytes = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)])
      }
      const read = readClientHello(bytes)
      if (read.isWhole) expect(read.servername === null || read.servername.length > 0).toBe(true)
      else expect(read.needed > bytes.length && read.needed < 256 * 1024).toBe(true)
    }),
    { numRuns: 500 },
  )
})
