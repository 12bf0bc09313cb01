import type { ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { ask, eventually, get, RawClient, startGateway, startRawWorker, startWorker } from './harness.ts'

test.each([
  ['GET', 'without a body', [], ''],
  ['POST', 'with a body of known length', ['Content-Length: 3'], 'abc'],
])('a %s %s that announces trailers does not end the proxy process', async (method, _kind, headers, body) => {
  const worker = await startWorker(async (req, res) => res.end(`${await text(req)};${req.headers.trailer}`))
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.send(`${method} / HTTP/1.1`, 'Host: example.test', 'Trailer: x', ...headers, '', body)
  expect(await client.until(/\r\n\r\n.*undefined/s)).toMatch(/^HTTP\/1.1 200 .*\r\n\r\n(abc)?;undefined$/s)
})

test('an answer of known length that announces trailers reaches the client', async () => {
  const worker = await startRawWorker((socket) => {
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nTrailer: x\r\nContent-Length: 2\r\n\r\nok'))
  })
  const gateway = await startGateway({ v1: [worker.target] })
  expect(await ask(gateway.port)).toMatchObject({ status: 200, body: 'ok' })
})

test.each([
  ['websocket', 'GET /second HTTP/1.1', /HTTP\/1.1 200 .*\/second:websocket/s],
  ['h2c', 'GET /second HTTP/1.1', /HTTP\/1.1 200 .*\/second:undefined/s],
  ['websocket', 'CONNECT example.test:80 HTTP/1.1', /HTTP\/1.1 501 /],
])('a wish for %s right behind a request (%s) waits for the answer to that', async (protocol, line, second) => {
  const worker = await startWorker((req, res) => {
    if (req.url === '/first') setTimeout(() => res.end('first'), 50)
    else res.end(`${req.url}:${req.headers.upgrade}`)
  })
  worker.server.on('upgrade', (req, socket) => {
    const body = `${req.url}:${req.headers.upgrade}`
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.send(
    ...['GET /first HTTP/1.1', 'Host: example.test', ''],
    ...[line, 'Host: example.test', 'Connection: Upgrade', `Upgrade: ${protocol}`, '', ''],
  )
  await client.until(/HTTP\/1.1 200 .*first/s)
  await client.until(second)
  client.socket.destroy()
  await gateway.channel.until(() => gateway.channel.bodiesOf('counters').at(-1)?.versions[0]?.inFlight === 0)
})

test.each([
  ['an HTTP/1.0 request with a transfer coding', 'POST / HTTP/1.0', 'chunked'],
  ['an unknown transfer coding', 'POST / HTTP/1.1', 'gzip, chunked'],
])('nothing behind %s is taken for a request', async (_name, line, coding) => {
  const urls: Array<string | undefined> = []
  const worker = await startWorker((req, res) => {
    urls.push(req.url)
    res.end()
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  const keepAlive = 'Connection: keep-alive'
  const smuggled = ['GET /smuggled HTTP/1.1', 'Host: example.test', '', '']
  client.send(line, 'Host: example.test', keepAlive, `Transfer-Encoding: ${coding}`, '', '0', '', ...smuggled)
  expect(await client.closed()).toMatch(/^HTTP\/1.1 (400|501) (?!.*HTTP\/1.1)/s)
  await ask(gateway.port, '/honest')
  expect(urls).toEqual(['/honest'])
})

test('a client that leaves in the middle of a body that was answered early does not hold its worker', async () => {
  const worker = await startWorker((_req, res) => res.end('early'))
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.send('POST / HTTP/1.1', 'Host: example.test', 'Content-Length: 1000', '', 'abc')
  await client.until(/early/)
  gateway.route({ v2: [] })
  client.socket.destroy()
  await gateway.channel.until(() => gateway.channel.bodiesOf('released').length === 1)
})

test.each([
  ['control characters in its reason', 'HTTP/1.1 200 \x1b\0\r\nContent-Length: 2\r\n\r\nok', 200, 'ok'],
  ['a 101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 502, /TARGET_BAD_ANSWER/],
])('an answer with %s neither ends the proxy process nor reaches the client', async (_name, answer, status, body) => {
  const worker = await startRawWorker((socket) => {
    socket.on('data', () => socket.write(answer))
  })
  const gateway = await startGateway({ v1: [worker.target] })
  expect(await ask(gateway.port)).toMatchObject({ status, body: expect.stringMatching(body) })
})

test('a client cannot forge forwarding fields with underscores in their names, nor as trailers', async () => {
  const worker = await startWorker(async (req, res) => {
    await text(req)
    res.end(JSON.stringify([...req.rawHeaders, ...req.rawTrailers]))
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  const forged = ['X_Forwarded_For: 192.0.2.1', 'x-forwarded_host: evil', 'X_Request_Id: evil']
  client.send(
    ...['POST / HTTP/1.1', 'Host: example.test', 'X_Own: kept', ...forged, 'Transfer-Encoding: chunked', ''],
    ...['0', 'X-Forwarded-For: 192.0.2.1', 'X-Sum: kept', '', ''],
  )
  const answer = await client.until(/\]/)
  expect(answer).toMatch(/"X_Own","kept".*"X-Sum","kept"/)
  expect(answer).not.toMatch(/evil|192\.0\.2\.1/)
})

test.each([
  ['', []],
  [' behind another request', ['GET / HTTP/1.1', 'Host: example.test', '']],
])('a client that leaves while its wish for an upgrade%s is unanswered holds nothing', async (_name, earlier) => {
  const worker = await startWorker(() => {})
  const asked = new Promise((resolve) => {
    for (const event of ['upgrade', 'request']) worker.server.once(event, resolve)
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.send(...earlier, 'GET / HTTP/1.1', 'Host: example.test', 'Connection: Upgrade', 'Upgrade: websocket', '', '')
  await asked
  gateway.route({ v2: [] })
  client.socket.end()
  await gateway.channel.until(() => gateway.channel.bodiesOf('released').length === 1)
  await gateway.channel.until(() => gateway.channel.bodiesOf('counters').at(-1)?.versions[0]?.inFlight === 0)
})

test.each(['HTTP/0.9', 'HTTP/2.0'])('a request that says %s is refused, and reaches no worker', async (version) => {
  let requests = 0
  const worker = await startWorker((_req, res) => {
    requests++
    res.end()
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.send(`GET / ${version}`, 'Host: example.test', '', '')
  expect(await client.until(/BAD_REQUEST/)).toMatch(/^HTTP\/1.1 400 /)
  expect(requests).toBe(0)
})

test('a body that breaks off into nonsense, of a request that waits behind another, is answered 400', async () => {
  const asked: ServerResponse[] = []
  const worker = await startWorker((_req, res) => void asked.push(res))
  const gateway = await startGateway({ v1: [worker.target] }, {}, 'general')
  const client = new RawClient(gateway.port)
  const second = ['POST /second HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked', '', 'no chunk', '']
  client.send(`${get('/first')}${second.join('\r\n')}`)
  await eventually(() => asked.length === 1)
  asked[0]?.end('first')
  expect(await client.closed()).toMatch(/^HTTP\/1.1 200 .*first.*HTTP\/1.1 400 /s)
  expect(asked.length).toBe(1)
})
