import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { eventually, get, RawClient, startGateway, startRawWorker, startWorker } from './harness.ts'

const mebibyte = 1024 * 1024

test('server-sent events pass one by one, unbuffered, the head before the first', async () => {
  let push = (_text: string): void => {}
  const worker = await startWorker((_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' })
    res.flushHeaders()
    push = (text) => res.write(`data: ${text}\n\n`)
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port).send(get())
  expect(await client.until(/\r\n\r\n/)).toContain('text/event-stream')
  for (const text of ['one', 'two', 'three']) {
    push(text)
    await client.until(new RegExp(`data: ${text}\n\n`))
  }
})

test('64 MiB go down and up, whole', async () => {
  const worker = await startWorker((req, res) => {
    if (req.method === 'GET') {
      let left = 64
      const chunk = Buffer.alloc(mebibyte, 'x')
      const write = (): void => {
        while (left-- > 0) if (!res.write(chunk)) return void res.once('drain', write)
        res.end()
      }
      write()
    } else {
      let size = 0
      req.on('data', (chunk: Buffer) => (size += chunk.length))
      req.on('end', () => res.end(String(size)))
    }
  })
  const gateway = await startGateway({ v1: [worker.target] })
  let size = 0
  const response = await fetch(`http://127.0.0.1:${gateway.port}/`)
  for await (const chunk of response.body ?? []) size += chunk.length
  expect(size).toBe(64 * mebibyte)
  const upload = new ReadableStream({
    pull(controller) {
      if (size <= 0) controller.close()
      else controller.enqueue(new Uint8Array(mebibyte))
      size -= mebibyte
    },
  })
  const init = { method: 'POST', body: upload, duplex: 'half' }
  const answer = await fetch(`http://127.0.0.1:${gateway.port}/`, init as RequestInit)
  expect(await answer.text()).toBe(String(64 * mebibyte))
})

test('a client that does not read stops the worker from writing', async () => {
  let written = 0
  const worker = await startWorker((_req, res) => {
    const chunk = Buffer.alloc(mebibyte, 'x')
    const write = (): void => {
      do written += chunk.length
      while (res.write(chunk))
      res.once('drain', write)
    }
    write()
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.socket.pause()
  client.send(get())
  let before = -1
  while (written === 0 || written !== before) {
    before = written
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  expect(written).toBeLessThan(40 * mebibyte)
})

test('a WebSocket echoes, and counts as in flight until it ends', async () => {
  const worker = await startWorker((_req, res) => res.end())
  const sockets = new WebSocketServer({ server: worker.server as import('node:http').Server })
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))))
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new WebSocket(`ws://127.0.0.1:${gateway.port}/`)
  let served: string | string[] | undefined
  client.on('upgrade', ({ headers }) => (served = headers['x-served-version']))
  await new Promise((resolve) => client.once('open', resolve))
  expect(served).toBe('v1; by=live')
  for (const text of ['a', 'b'.repeat(200_000)]) {
    client.send(text)
    expect(String(await new Promise((resolve) => client.once('message', resolve)))).toBe(text)
  }
  const counters = () => gateway.channel.bodiesOf('counters').flatMap(({ versions }) => versions)
  await gateway.channel.until(() => counters().at(-1)?.inFlight === 1)
  gateway.route({ v2: [worker.target] })
  client.send('still there')
  expect(String(await new Promise((resolve) => client.once('message', resolve)))).toBe('still there')
  client.close()
  await gateway.channel.until(() => counters().at(-1)?.inFlight === 0)
  expect(counters().reduce((sum, { requests }) => sum + requests, 0)).toBe(1)
  expect(counters().at(-1)?.statuses).toEqual([1, 0, 0, 0, 0])
})

test('bytes right behind the heads of an upgrade are not lost, in either direction', async () => {
  const worker = await startRawWorker((socket) => {
    let text = ''
    socket.on('data', (chunk) => {
      const isFirst = text === ''
      text += chunk
      if (isFirst) socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst')
      if (text.endsWith('early')) socket.write(' got it')
    })
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port).send(`${get('/', 'Connection: Upgrade', 'Upgrade: echo')}early`)
  const text = await client.until(/got it/)
  expect(text).toMatch(
    /^HTTP\/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n(.+\r\n)*\r\nfirst got it$/,
  )
})

test('a refused upgrade is answered with correct framing', async () => {
  const worker = await startWorker((_req, res) => res.end())
  ;(worker.server as import('node:http').Server).on('upgrade', (_req, socket) => {
    socket.end('HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno!\r\n0\r\n\r\n')
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port).send(get('/', 'Connection: Upgrade', 'Upgrade: websocket'))
  const text = await client.closed()
  expect(text).toMatch(/^HTTP\/1.1 403 No\r\n/)
  expect(text).toMatch(/\r\n\r\n3\r\nno!\r\n0\r\n\r\n$/)
})

test('an upgrade to nowhere is answered by the gateway', async () => {
  const gateway = await startGateway({ v1: [] }, { gateTimeout: 20 })
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket']
  expect(await new RawClient(gateway.port).send(get('/', ...upgrade, 'x-version: nope')).closed()).toMatch(
    /^HTTP\/1.1 404 .*UNKNOWN_VERSION/s,
  )
  expect(await new RawClient(gateway.port).send(get('/', ...upgrade)).closed()).toMatch(/^HTTP\/1.1 502 /)
})

test('Upgrade: h2c never reaches a worker, and the request is answered as any other, body included', async () => {
  const worker = await startWorker((req, res) => {
    let body = ''
    req.on('data', (chunk) => (body += chunk))
    req.on('end', () =>
      res.end(`[${req.headers.upgrade} ${req.headers['http2-settings']} ${req.headers['x-a']} ${body}]`),
    )
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const h2c = [
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA',
    'X-A: 1',
  ]
  expect(await new RawClient(gateway.port).send(get('/', ...h2c)).until(/\]/)).toContain('[undefined undefined 1 ]')
  const client = new RawClient(gateway.port)
  client.send('POST / HTTP/1.1', 'Host: h', ...h2c, 'Content-Length: 4', '', `body${get('/', 'X-A: 2')}`)
  // What comes behind it is answered where Node can tell; otherwise the connection is closed, so that nobody waits.
  const answer = await client.until(/\]/)
  expect(answer).toContain('[undefined undefined 1 body]')
  if (answer.includes('Connection: close')) expect(await client.closed()).toBe('')
  else expect(await client.until(/\]/)).toContain('[undefined undefined 2 ]')
})

test('when either end of an upgraded connection breaks, so does the other', async () => {
  const workerSockets: import('node:net').Socket[] = []
  const worker = await startRawWorker((socket) => {
    workerSockets.push(socket)
    socket.once('data', () => socket.write('HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'))
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const upgrade = get('/', 'Connection: Upgrade', 'Upgrade: x')
  const one = new RawClient(gateway.port).send(upgrade)
  await one.until(/\r\n\r\n/)
  workerSockets[0]?.resetAndDestroy()
  await one.closed()
  const two = new RawClient(gateway.port).send(upgrade)
  await two.until(/\r\n\r\n/)
  two.socket.resetAndDestroy()
  await eventually(() => workerSockets[1]?.destroyed === true)
})

test('bytes of any kind pass unchanged', async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256))
  const worker = await startWorker((req, res) => {
    res.writeHead(200, { 'Content-Encoding': 'identity' })
    req.pipe(res)
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const answer = await fetch(`http://127.0.0.1:${gateway.port}/`, { method: 'POST', body: bytes })
  const hash = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')
  expect(hash(new Uint8Array(await answer.arrayBuffer()))).toBe(hash(bytes))
})

test('a worker with an upgraded connection is released only when that ends, whatever the routes say', async () => {
  const worker = await startRawWorker((socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')),
  )
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port).send(get('/', 'Connection: Upgrade', 'Upgrade: x'))
  await client.until(/\r\n\r\n/)
  gateway.route({ v1: { state: 'cold', attempt: 1, targets: [] } })
  expect(gateway.channel.bodiesOf('released')).toEqual([])
  client.socket.end()
  await gateway.channel.until(() => gateway.channel.bodiesOf('released')[0])
})
