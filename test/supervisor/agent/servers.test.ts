import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type Place, Servers } from '../../../src/supervisor/agent/servers.cts'
import { eventually } from '../../support/eventually.ts'
import { rawConnection } from '../../support/raw-http.ts'

test('every place where a server listens is told, again after a failure and a second try', async () => {
  const places: Place[] = []
  const servers = new Servers((place) => places.push(place))
  const taken = await listening(net.createServer())
  const server = net.createServer()
  const { port } = taken.address() as net.AddressInfo
  servers.add(server)
  server.listen(port, '127.0.0.1')
  await once(server, 'error')
  expect(servers.isListeningPending).toBe(false)
  servers.add(server)
  await listening(server)
  await servers.whenListening()
  expect(places).toEqual([{ address: '127.0.0.1', port: (server.address() as net.AddressInfo).port }])
})

test('an error that the program does not handle stays one', async () => {
  const servers = new Servers(() => {})
  const server = net.createServer()
  servers.add(server)
  expect(() => server.emit('error', new Error('nobody listens'))).toThrow('nobody listens')
})

test('requests and connections are counted', async () => {
  const { servers, port } = await serve((_req, res) => res.end('x'))
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  await get(port, agent)
  await get(port, agent)
  expect(servers.statistics).toEqual({ requests: 2, connections: 1, connectionsOpen: 1 })
  agent.destroy()
  await eventually('the connection is closed', () => servers.statistics.connectionsOpen === 0)
})

test('while it closes a server answers on open connections, says that they end, and ends idle ones after the grace', async () => {
  const { servers, port } = await serve((_req, res) => res.end('x'))
  const [used, idle] = [new http.Agent({ keepAlive: true }), new http.Agent({ keepAlive: true })]
  await Promise.all([get(port, used), get(port, idle)])
  const started = performance.now()
  const { closed } = servers.close({ idleGraceMs: 400 })
  expect(await get(port, used)).toMatchObject({ connection: 'close', isReused: true })
  await closed
  expect(performance.now() - started).toBeGreaterThanOrEqual(395)
})

test.each([
  ['an object', (res: http.ServerResponse) => res.writeHead(200, { Connection: 'keep-alive', 'x-kept': '1' })],
  [
    'a reason and an object',
    (res: http.ServerResponse) => res.writeHead(200, 'Fine', { Connection: 'keep-alive', 'x-kept': '1' }),
  ],
  ['a list', (res: http.ServerResponse) => res.writeHead(200, ['Connection', 'keep-alive', 'x-kept', '1'])],
  ['setHeader', (res: http.ServerResponse) => res.setHeader('Connection', 'keep-alive').setHeader('x-kept', '1')],
])('a program that keeps its connections alive by %s is overruled while it closes', async (_, answer) => {
  const { servers, port } = await serve((_req, res) => {
    answer(res)
    res.end('x')
  })
  const agent = new http.Agent({ keepAlive: true })
  await get(port, agent)
  const { closed } = servers.close({ idleGraceMs: 60_000 })
  expect(await get(port, agent)).toMatchObject({ connection: 'close', kept: '1' })
  await closed
})

test('a request that is in flight when the server begins to close is answered, and its connection ends', async () => {
  let answer = () => {}
  const { servers, port } = await serve((_req, res) => {
    answer = () => res.end('late')
  })
  const agent = new http.Agent({ keepAlive: true })
  const got = get(port, agent)
  await eventually('it is in flight', () => servers.statistics.requests === 1)
  const { closed } = servers.close({ idleGraceMs: 60_000 })
  answer()
  expect(await got).toMatchObject({ connection: 'close' })
  await closed
})

test('a connection that is no longer HTTP is waited for, and does not count as one of HTTP', async () => {
  const { servers, port, server } = await serve(() => {})
  server.on('upgrade', (_req, socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => socket.write(chunk))
    socket.on('end', () => socket.end())
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
  })
  const req = http.get({ port, headers: { connection: 'upgrade', upgrade: 'x' } })
  const [, socket] = (await once(req, 'upgrade')) as [unknown, net.Socket]
  const { closed, httpClosed } = servers.close({ idleGraceMs: 0 })
  await httpClosed
  socket.write('echo')
  expect(String((await once(socket, 'data'))[0])).toBe('echo')
  socket.end()
  await closed
})

test('a server of HTTPS closes in the same way', async () => {
  const pem = readFileSync(new URL('../../proxy/dataplane/fixtures/localhost.pem', import.meta.url))
  const server = https.createServer({ key: pem, cert: pem }, (_req, res) => res.end('x'))
  const servers = new Servers(() => {})
  servers.add(server)
  await listening(server)
  const { port } = server.address() as net.AddressInfo
  const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false })
  const ask = async () => {
    const req = https.get({ port, host: '127.0.0.1', agent })
    const [res] = (await once(req, 'response')) as [http.IncomingMessage]
    res.resume()
    await once(res, 'end')
    return res.headers.connection
  }
  expect(await ask()).toBe('keep-alive')
  const { closed } = servers.close({ idleGraceMs: 60_000 })
  expect(await ask()).toBe('close')
  await closed
})

test('requests that follow one another without waiting are all answered while it closes', async () => {
  const { servers, port } = await serve((req, res) => void setTimeout(() => res.end(req.url), 50))
  const connection = await rawConnection(port)
  const paths = ['/1', '/2', '/3']
  connection.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`).join(''))
  await eventually('all are in flight', () => servers.statistics.requests === 3)
  const { closed } = servers.close({ idleGraceMs: 60_000 })
  const answers = [await connection.answer(), await connection.answer(), await connection.answer()]
  expect(answers.map(({ body }) => body)).toEqual(paths)
  expect(answers.map((answer) => answer.header('connection'))).toEqual(['keep-alive', 'keep-alive', 'close'])
  await closed
})

test('an answer that comes before the end of its request keeps the connection, so that it arrives', async () => {
  const { servers, port } = await serve((_req, res) => res.end('no'))
  const agent = new http.Agent({ keepAlive: true })
  await get(port, agent)
  const { closed } = servers.close({ idleGraceMs: 300 })
  const req = http.request({ port, host: '127.0.0.1', agent, method: 'POST', headers: { 'content-length': 2 ** 20 } })
  req.write('x')
  const [res] = (await once(req, 'response')) as [http.IncomingMessage]
  expect(res.headers.connection).toBe('keep-alive')
  req.end(Buffer.alloc(2 ** 20 - 1))
  res.resume()
  await once(res, 'end')
  await closed
  agent.destroy()
})

test('a client of HTTP/2 is told that the server closes, and its streams are answered first', async () => {
  const server = http2.createServer()
  const servers = new Servers(() => {})
  servers.add(server as unknown as net.Server)
  let answer = () => {}
  server.on('stream', (stream) => {
    answer = () => {
      stream.respond({ ':status': 200 })
      stream.end('x')
    }
  })
  await listening(server as unknown as net.Server)
  const client = http2.connect(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`)
  onTestFinished(() => client.destroy())
  const stream = client.request({ ':path': '/' })
  await once(server, 'stream')
  const { closed } = servers.close({ idleGraceMs: 60_000 })
  stream.resume()
  setTimeout(answer, 50)
  const [, [headers]] = await Promise.all([once(client, 'goaway'), once(stream, 'response'), closed])
  expect(headers[':status']).toBe(200)
})

test('a server of HTTP/2 that answers streams is not disturbed', async () => {
  const server = http2.createServer()
  const servers = new Servers(() => {})
  servers.add(server as unknown as net.Server)
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200 })
    stream.end('x')
  })
  await listening(server as unknown as net.Server)
  const { port } = server.address() as net.AddressInfo
  const client = http2.connect(`http://127.0.0.1:${port}`)
  onTestFinished(() => client.destroy())
  const stream = client.request({ ':path': '/' })
  const [headers] = await once(stream, 'response')
  expect(headers[':status']).toBe(200)
})

async function serve(handler: http.RequestListener) {
  const servers = new Servers(() => {})
  const server = http.createServer({ keepAliveTimeout: 60_000 }, handler)
  servers.add(server)
  await listening(server)
  return { servers, server, port: (server.address() as net.AddressInfo).port }
}

async function listening<Server extends net.Server>(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    if (server instanceof http.Server) server.closeAllConnections()
  })
  return server
}

async function get(port: number, agent: http.Agent) {
  const req = http.get({ port, host: '127.0.0.1', agent })
  const [res] = (await once(req, 'response')) as [http.IncomingMessage]
  res.resume()
  await once(res, 'end')
  return { connection: res.headers.connection, kept: res.headers['x-kept'], isReused: req.reusedSocket }
}
