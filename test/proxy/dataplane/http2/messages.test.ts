import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { Flag, frame, request, Type } from '../../../support/http2-frames.ts'
import { eventually, startRawWorker, startWorker } from '../harness.ts'
import { answerOf, ask, dial, dialFrames, startClearGateway } from './h2-harness.ts'

/** A worker that gives the same bytes to every request, and keeps what it was sent. */
async function answering(...bytes: string[]) {
  const seen = { text: '' }
  const sockets: Socket[] = []
  const worker = await startRawWorker((socket) => {
    sockets.push(socket)
    socket.on('data', (chunk) => {
      seen.text += chunk.toString('latin1')
      if (/^[A-Z]+ \S+ HTTP/.test(String(chunk))) socket.write(bytes.join('\r\n'), 'latin1')
    })
  })
  const gateway = await startClearGateway({ v1: [worker.target] })
  return { seen, sockets, worker, gateway, session: dial(gateway) }
}

const ok = ['HTTP/1.1 200 OK', 'Content-Length: 2', '', 'ok']

test('a body of a stated length has it towards the worker, one without goes in chunks', async () => {
  const { gateway, seen, session } = await answering()
  const measured = session.request({ ':path': '/', ':method': 'POST', 'content-length': '4' })
  measured.end('four')
  await eventually(() => seen.text.endsWith('\r\n\r\nfour'))
  expect(seen.text).toMatch(/\r\ncontent-length: 4\r\n/i)
  expect(seen.text).not.toMatch(/transfer-encoding/i)
  seen.text = ''
  const open = dial(gateway).request({ ':path': '/', ':method': 'POST' })
  open.write('one')
  await eventually(() => seen.text.endsWith('\r\n\r\n3\r\none\r\n'))
  open.end('three')
  await eventually(() => seen.text.endsWith('\r\n5\r\nthree\r\n0\r\n\r\n'))
  expect(seen.text).toMatch(/\r\ntransfer-encoding: chunked\r\n/i)
})

test('a POST without a body says that it has none', async () => {
  const { seen, session } = await answering(...ok)
  expect(await ask(session, { ':method': 'POST' })).toMatchObject({ status: 200, body: 'ok' })
  expect(seen.text).toMatch(/\r\ncontent-length: 0\r\n/)
})

test('a body that says it is empty ends with the stream', async () => {
  const { seen, session } = await answering(...ok)
  expect(await ask(session, { ':method': 'POST', 'content-length': '0' }, '')).toMatchObject({ body: 'ok', code: 0 })
  expect(seen.text).toMatch(/\r\ncontent-length: 0\r\n/)
  expect(seen.text).not.toMatch(/chunked/)
})

test('trailers go through both ways, without those that would change how a message is read', async () => {
  const worker = await startWorker((req, res) => {
    req.resume().on('end', () => {
      res.writeHead(200, { Trailer: 'x-after' })
      res.write('body')
      res.addTrailers({
        'X-After': JSON.stringify(req.rawTrailers),
        'Proxy-Authenticate': 'cut',
      })
      res.end()
    })
  })
  const session = dial(await startClearGateway({ v1: [worker.target] }))
  const stream = session.request({ ':path': '/', ':method': 'POST', trailer: 'x-sum' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42', 'x-forwarded-for': '1.2.3.4' }))
  stream.end('some')
  const answer = await answerOf(stream)
  expect(answer).toMatchObject({ status: 200, body: 'body', isWhole: true })
  expect(Object.entries(answer.trailers ?? {})).toEqual([['x-after', '["x-sum","42"]']])
})

test.each([
  ['with a length', ['HTTP/1.1 200 OK', 'Content-Length: 5', '', 'hello']],
  ['in chunks', ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '2;x=y', 'he', '3', 'llo', '0', '', '']],
  ['until the end of the connection', ['HTTP/1.1 200 OK', '', 'hello']],
])('an answer %s arrives whole, without the framing of HTTP/1.1', async (kind, lines) => {
  const { session, sockets } = await answering(...lines)
  const answered = ask(session)
  if (kind.startsWith('until')) {
    await eventually(() => sockets.length > 0 && (sockets[0]?.bytesWritten ?? 0) > 0)
    sockets[0]?.end()
  }
  const answer = await answered
  expect(answer).toMatchObject({ status: 200, body: 'hello', isWhole: true })
  expect(answer.headers['transfer-encoding']).toBeUndefined()
  expect(answer.headers.connection).toBeUndefined()
})

test('an answer in chunks that come one by one is passed on piece by piece', async () => {
  const sockets: Socket[] = []
  const worker = await startRawWorker((socket) => {
    sockets.push(socket)
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n'))
  })
  const stream = dial(await startClearGateway({ v1: [worker.target] })).request({ ':path': '/' })
  let text = ''
  stream.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  await eventually(() => text === 'one')
  sockets[0]?.write('3\r\ntwo\r\n')
  await eventually(() => text === 'onetwo')
  sockets[0]?.write('0\r\nx-t: 1\r\n\r\n')
  const [trailers] = await once(stream, 'trailers')
  expect(Object.entries(trailers)).toEqual([['x-t', '1']])
})

test.each([
  ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 200, '5'],
  ['GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', 204, undefined],
  ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 304, '5'],
  ['GET', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nhi', 205, undefined],
])('an answer to %s of the kind %j has no body', async (method, bytes, status, length) => {
  const { session } = await answering(bytes)
  const answer = await ask(session, { ':method': method })
  expect(answer).toMatchObject({ status, body: '', isWhole: true })
  expect(answer.headers['content-length']).toBe(length)
})

test('interim answers are passed on, 100 Continue only to one who waits for it', async () => {
  const information = ['HTTP/1.1 100 Continue', '', 'HTTP/1.1 103 Early Hints', 'Link: </a>', 'Connection: x', '']
  const { session } = await answering(...information, ...ok)
  const plain = await ask(session)
  expect(plain.status).toBe(200)
  expect(plain.informations.map((head) => head[':status'])).toEqual([103])
  expect(plain.informations[0]).toMatchObject({ link: '</a>' })
  const waiting = session.request({ ':path': '/', ':method': 'POST', expect: '100-continue' })
  await once(waiting, 'continue')
  waiting.end('body')
  expect(await answerOf(waiting)).toMatchObject({ body: 'ok' })
})

test('fields of the worker keep their repetitions and their bytes; those of its connection stay behind', async () => {
  const { session } = await answering(
    'HTTP/1.1 200 OK',
    'Set-Cookie: a=1',
    'Set-Cookie: b=2',
    'Vary: x',
    'VARY: y',
    'X-Caf: caf\xe9',
    'Content-Type: text/plain',
    'Content-Type: text/html',
    'Connection: x-gone, close',
    'X-Gone: 1',
    'Keep-Alive: timeout=5',
    'X-Served-Version: forged',
    'Content-Length: 0',
    '',
    '',
  )
  const { headers } = await ask(session)
  expect(headers).toMatchObject({
    'set-cookie': ['a=1', 'b=2'],
    vary: 'x, y',
    'content-type': 'text/plain',
    'x-served-version': 'v1; by=live',
  })
  expect(Buffer.from(String(headers['x-caf']), 'latin1').toString('latin1')).toBe('caf\xe9')
  expect(headers).not.toHaveProperty('x-gone')
  expect(headers).not.toHaveProperty('keep-alive')
})

test('fields that HTTP/2 has but once go on once, whichever they are', async () => {
  const names = ['age', 'content-encoding', 'content-language', 'content-location', 'content-range', 'content-type']
  names.push('date', 'etag', 'expires', 'last-modified', 'location', 'retry-after', 'x-content-type-options', 'server')
  names.push(
    'access-control-allow-origin',
    'access-control-allow-credentials',
    'access-control-max-age',
    'from',
    'host',
  )
  names.push('referer', 'tk', 'dnt', 'user-agent', 'authorization', 'if-match', 'range', 'max-forwards', 'content-md5')
  names.push(
    'x-frame-options',
    'strict-transport-security',
    'content-security-policy',
    'allow',
    '__proto__',
    'constructor',
  )
  for (const name of names) {
    const { session } = await answering('HTTP/1.1 200 OK', `${name}: 1`, `${name}: 2`, 'Content-Length: 2', '', 'ok')
    const answer = await ask(session)
    expect([name, answer.status, answer.body]).toEqual([name, 200, 'ok'])
  }
})

test('an answer that comes before the end of its request is whole, and then nobody wants the rest', async () => {
  const text = 'x'.repeat(300_000)
  const { gateway, sockets } = await answering('HTTP/1.1 413 Too Large', `Content-Length: ${text.length}`, '', text)
  const wide = Buffer.alloc(6)
  wide.writeUInt16BE(4, 0)
  wide.writeUInt32BE(2 ** 30, 2)
  const client = dialFrames(gateway, wide).send(frame(Type.windowUpdate, 0, 0, Buffer.from([0x3f, 0, 0, 0])))
  client.headers(1, request({ method: 'POST' }), 0).send(frame(Type.data, 0, 1, 'some'))
  expect((await client.body(1)).length).toBe(text.length)
  expect(await client.reset(1)).toBe(0)
  await eventually(() => sockets.every(({ destroyed }) => destroyed))
})

test('a worker that dies in the middle of its answer leaves none that looks whole', async () => {
  for (const head of [
    'Content-Length: 10\r\n\r\nhalf',
    'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    '\r\nhalf',
  ]) {
    const worker = await startRawWorker((socket) => {
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n${head}`))
    })
    const gateway = await startClearGateway({ v1: [worker.target] })
    const client = dialFrames(gateway).headers(1, request())
    await client.until(({ type, payload }) => type === Type.data && String(payload) === 'half')
    await worker.kill()
    expect(await client.reset(1)).toBe(2)
    expect(client.frames.filter(({ type, flags }) => type <= 1 && (flags & Flag.endStream) !== 0)).toEqual([])
  }
})

test('an answer that makes no sense is a 502, and cuts nothing else off', async () => {
  const { session } = await answering('HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 2', '', 'x')
  expect(await ask(session)).toMatchObject({ status: 502, isWhole: true })
  const odd = await answering('HTTP/1.1 999 Odd', 'Content-Length: 0', '', '')
  expect(await ask(odd.session)).toMatchObject({ status: 502 })
  const broken = await answering('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', 'zz', '')
  expect(await ask(broken.session)).toMatchObject({ status: 502 })
})

test('when the client resets a stream, the worker sees the end of its request at once', async () => {
  const { session, seen, sockets } = await answering()
  const stream = session.request({ ':path': '/', ':method': 'POST' })
  stream.write('part')
  await eventually(() => seen.text.includes('part'))
  const ended = once(sockets[0] as Socket, 'close')
  stream.close(8)
  await ended
  expect(session.destroyed).toBe(false)
})

test('an upload is held back by a worker that does not read, and arrives whole once it does', async () => {
  const size = 8 * 1024 * 1024
  let received = 0
  const sockets: Socket[] = []
  const worker = await startRawWorker((socket) => {
    sockets.push(socket)
    socket.pause().on('data', (chunk) => {
      received += chunk.length
      if (chunk.includes('0\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    })
  })
  const gateway = await startClearGateway({ v1: [worker.target] })
  const stream = dial(gateway).request({ ':path': '/', ':method': 'POST' })
  let taken = 0
  const chunk = Buffer.alloc(64 * 1024, 'x')
  for (let sent = 0; sent < size; sent += chunk.length) stream.write(chunk, () => (taken += chunk.length))
  stream.end()
  let before = -1
  while (before !== taken) {
    before = taken
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  // What the windows and the system's own buffers hold.
  expect(taken).toBeLessThan(size)
  sockets[0]?.resume()
  expect(await answerOf(stream)).toMatchObject({ status: 200, isWhole: true })
  expect(received).toBeGreaterThan(size)
})

test('a download is held back by a client that does not read, and arrives whole once it does', async () => {
  const size = 32 * 1024 * 1024
  let worker: Socket | null = null
  const target = await startRawWorker((socket) => {
    worker = socket
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      socket.write(Buffer.alloc(size, 'x'))
    })
  })
  const gateway = await startClearGateway({ v1: [target.target] })
  const stream = dial(gateway).request({ ':path': '/' })
  await once(stream, 'response')
  stream.pause()
  const left = (): number => (worker as Socket | null)?.writableLength ?? 0
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(left()).toBeGreaterThan(0)
  let received = 0
  stream.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  stream.resume()
  await once(stream, 'end')
  expect(received).toBe(size)
})
