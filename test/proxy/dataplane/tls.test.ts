import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { get, RawClient, startGateway, startRawWorker, startWorker } from './harness.ts'

const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', name)

async function tlsGateway(
  target: Parameters<typeof startGateway>[0],
  tlsOptions: Record<string, unknown>,
  settings = {},
) {
  const gateway = await startGateway(target, {
    binding: { port: 0, tlsOptions, redirect: null, proxyProtocol: false, http2: true },
    ...settings,
  })
  const dial = async (): Promise<RawClient> => {
    const socket: TLSSocket = connect({ port: gateway.port, host: '127.0.0.1', rejectUnauthorized: false })
    const client = new RawClient(socket)
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    return client
  }
  return { ...gateway, dial }
}

test.each([
  { pem: fixture('localhost.pem') },
  { key: fixture('localhost.pem'), cert: [fixture('localhost.pem')] },
  { pfx: fixture('localhost.pfx'), passphrase: 'test' },
])('a binding with %o speaks TLS, and says so to the worker', async (tlsOptions) => {
  const worker = await startWorker((req, res) =>
    res.end(`${req.headers['x-forwarded-proto']} ${req.headers.forwarded}`),
  )
  const gateway = await tlsGateway({ v1: [worker.target] }, tlsOptions)
  const client = await gateway.dial()
  expect(await client.send(get()).until(/proto=\w+$/)).toMatch(/https for=127.0.0.1;host=example.test;proto=https$/)
})

test('a WebSocket goes over TLS, and a slow head is cut there too', async () => {
  const worker = await startRawWorker((socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
      socket.on('data', (chunk) => socket.write(chunk))
    }),
  )
  const gateway = await tlsGateway({ v1: [worker.target] }, { pem: fixture('localhost.pem') }, { headTimeout: 300 })
  const client = await gateway.dial()
  await client.send(get('/', 'Connection: Upgrade', 'Upgrade: x')).until(/\r\n\r\n/)
  expect(await client.send('echo').until(/echo/)).toBe('echo')
  const slow = await gateway.dial()
  expect(await slow.send('GET / HT').closed()).toMatch(/^HTTP\/1.1 408 /)
})

test('when a worker dies in the middle of its answer, a TLS client sees no clean end of the answer', async () => {
  const worker = await startRawWorker((socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')),
  )
  const gateway = await tlsGateway({ v1: [worker.target] }, { pem: fixture('localhost.pem') })
  const client = await gateway.dial()
  await client.send(get()).until(/half/)
  await worker.kill()
  await client.closed()
})
