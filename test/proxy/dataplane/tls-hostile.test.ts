import { randomBytes } from 'node:crypto'
import { connect as connectPlain } from 'node:net'
import { Duplex } from 'node:stream'
import { connect } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { makeCertificate, writeCertificate } from '../../support/make-certificate.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { RawClient, refused, startGateway, startWorker } from './harness.ts'
import { answerOver, certificateFor, dial } from './tls-client.ts'

const names = ['a.test', 'b.test']

/** A gateway with so many certificates. */
async function gatewayWith(
  count: 1 | 2,
  settings: { headTimeout?: number } = {},
  others: Record<string, unknown> = {},
) {
  const folder = temporaryFolder()
  const files = names
    .slice(0, count)
    .map((name) => writeCertificate(folder, name, makeCertificate({ names: [name], commonName: name })))
  const worker = await startWorker((_req, res) => res.end('well'))
  const tlsOptions = { cert: files.map(({ cert }) => cert), key: files.map(({ key }) => key), ...others }
  return startGateway({ v1: [worker.target] }, { binding: { port: 0, tlsOptions, redirect: null }, ...settings })
}

/** A connection whose client's bytes reach the gateway through `send`, piece by piece. */
function connectionInPieces(port: number, cut: (bytes: Buffer) => Buffer[]): Duplex {
  const socket = connectPlain(port, '127.0.0.1')
  socket.setNoDelay(true)
  onTestFinished(() => void socket.destroy())
  const duplex = new Duplex({
    read() {},
    async write(bytes: Buffer, _encoding, done) {
      for (const piece of cut(bytes)) {
        socket.write(piece)
        await new Promise((resolve) => setImmediate(resolve))
      }
      done()
    },
  })
  socket
    .on('data', (chunk) => duplex.push(chunk))
    .on('end', () => duplex.push(null))
    .on('error', () => {})
  return duplex
}

test.each([1, 2] as const)(
  'garbage instead of a handshake ends the connection, with %i certificates',
  async (count) => {
    const gateway = await gatewayWith(count)
    const { port } = gateway
    const garbage = [
      'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
      randomBytes(1000),
      Buffer.alloc(20_000, 22),
      Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0]),
      Buffer.from([22, 3, 1, 0, 0, 22, 3, 1, 0, 0]),
      Buffer.from([21, 3, 1, 0, 2, 2, 40]),
      Buffer.from([0x80, 0x2e, 1, 0, 2]),
    ]
    for (const bytes of garbage) {
      const client = new RawClient(port)
      client.socket.write(bytes)
      client.socket.end()
      expect(await client.closed()).not.toMatch(/HTTP/)
    }
    expect(await answerOver(port)).toMatch(/ 200 OK/)
    expect(await refused(gateway, 'TLS_HANDSHAKE_FAILED')).toBeGreaterThan(0)
  },
)

test.each([1, 2] as const)(
  'who does not finish the handshake in time is cut off, with %i certificates',
  async (count) => {
    const gateway = await gatewayWith(count, { headTimeout: 300 })
    const { port } = gateway
    const silent = new RawClient(port)
    const halting = new RawClient(port)
    halting.socket.write(Buffer.from([22, 3, 1, 2, 0, 1, 0, 1]))
    const cut = connectionInPieces(port, (bytes) => [bytes.subarray(0, -1)])
    const stalled = connect({ socket: cut, servername: 'b.test', rejectUnauthorized: false })
    stalled.on('error', () => {})
    await Promise.all([silent.closed(), halting.closed(), new Promise((resolve) => cut.once('end', resolve).resume())])
    expect(await answerOver(port)).toMatch(/ 200 OK/)
    expect(await refused(gateway, 'TLS_HANDSHAKE_FAILED')).toBe(3)
  },
)

test('a client that leaves before it has said anything leaves nothing behind', async () => {
  const gateway = await gatewayWith(2)
  for (let index = 0; index < 20; index++) {
    const client = new RawClient(gateway.port)
    await new Promise((resolve) => client.socket.once('connect', resolve))
    if (index % 2 === 0) client.socket.write(Buffer.from([22, 3]))
    if (index % 3 === 0) client.socket.resetAndDestroy()
    else client.socket.end()
    await client.closed()
  }
  expect(await answerOver(gateway.port)).toMatch(/ 200 OK/)
  await gateway.process.stop(2_000)
})

test.each([
  ['bytes one by one', (bytes: Buffer) => [...bytes].map((byte) => Buffer.from([byte]))],
  ['the first byte alone', (bytes: Buffer) => [bytes.subarray(0, 1), bytes.subarray(1)]],
  ['two halves', (bytes: Buffer) => [bytes.subarray(0, 100), bytes.subarray(100)]],
])('a handshake that comes as %s gets the certificate that it asks for', async (_, cut) => {
  const { port } = await gatewayWith(2)
  const socket = connectionInPieces(port, cut)
  expect(await certificateFor(port, { socket, servername: 'b.test' })).toBe('b.test')
})

test('a request right behind the handshake is not lost', async () => {
  const { port } = await gatewayWith(2)
  for (const servername of names) {
    const socket = connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false })
    const client = new RawClient(socket) // writes before the handshake has begun
    expect(await client.send('GET / HTTP/1.1', 'Host: a', '', '').until(/well$/)).toMatch(/ 200 OK/)
  }
})

test('three hundred handshakes at once, and as much garbage, are all answered or ended', async () => {
  const { port } = await gatewayWith(2)
  const garbage = Array.from({ length: 300 }, async (_, index) => {
    const client = new RawClient(port)
    client.socket.write(randomBytes(1 + (index % 50)))
    client.socket.end()
    await client.closed()
  })
  const answers = Array.from({ length: 300 }, (_, index) => answerOver(port, { servername: names[index % 2] ?? '' }))
  for (const answer of await Promise.all(answers)) expect(answer).toMatch(/ 200 OK/)
  await Promise.all(garbage)
})

test.each([
  ['', {}],
  [', whatever secureOptions say', { secureOptions: 0 }],
])('a client of TLS 1.2 cannot have the handshake done again and again%s', async (_, others) => {
  const { port } = await gatewayWith(1, {}, others)
  const socket = await dial(port, { maxVersion: 'TLSv1.2' })
  const outcome = await new Promise<string>((resolve) => {
    socket.renegotiate({}, (error) => resolve(error === null ? 'renegotiated' : 'refused'))
    socket.once('error', () => resolve('refused')).once('close', () => resolve('refused'))
  })
  expect(outcome).toBe('refused')
  expect(await answerOver(port)).toMatch(/ 200 OK/)
})
