import { expect, test } from 'vitest'
import { ask, eventually, get, RawClient, startGateway, startRawWorker, startWorker } from './harness.ts'

/** A raw worker that keeps all bytes it gets and answers every request head with `answer`. */
async function recordingWorker(answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') {
  const record = { bytes: '', heads: 0 }
  const worker = await startRawWorker((socket) => {
    let answered = 0
    let mine = ''
    socket.on('data', (chunk) => {
      record.bytes += chunk.toString('latin1')
      mine += chunk.toString('latin1')
      const heads = mine.split('\r\n\r\n').filter((part) => /^(?:\w+ \S+ HTTP\/1.1)/.test(part.trimStart())).length
      for (; answered < heads; answered++) socket.write(answer)
    })
  })
  return { ...worker, record }
}

test('a request reaches the live version, and the answer names it', async () => {
  const worker = await startWorker((req, res) => res.end(`${req.method} ${req.url} ${req.headers.host}`))
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port).send(get('/a//b/../c?x=1?y'))
  const answer = await client.until(/example.test$/)
  expect(answer).toContain('HTTP/1.1 200 OK')
  expect(answer).toContain('GET /a//b/../c?x=1?y example.test')
  expect(answer).toContain('X-Served-Version: v1; by=live')
  expect(answer).toMatch(/X-Request-Id: [0-9a-f]{24}\r\n/)
})

test('the version header chooses the version, in any case', async () => {
  const one = await startWorker((_req, res) => res.end('one'))
  const two = await startWorker((_req, res) => res.end('two'))
  const gateway = await startGateway({ v1: [one.target], v2: [two.target] })
  const named = await ask(gateway.port, '/', { headers: { 'X-VERSION': 'v2' } })
  expect(named.body).toBe('two')
  expect(named.headers.get('x-served-version')).toBe('v2; by=header')
  expect((await ask(gateway.port)).body).toBe('one')
  expect((await ask(gateway.port, '/', { headers: { 'x-version': '' } })).body).toBe('one')
})

test('a chunked DELETE is one request upstream, whatever its body looks like', async () => {
  const worker = await recordingWorker()
  const gateway = await startGateway({ v1: [worker.target] })
  const smuggled = 'GET /admin HTTP/1.1\r\nHost: x\r\n\r\n'
  for (const method of ['DELETE', 'OPTIONS', 'GET']) {
    worker.record.bytes = ''
    const client = new RawClient(gateway.port)
    client.send(
      `${method} /a HTTP/1.1`,
      'Host: h',
      'Transfer-Encoding: chunked',
      '',
      smuggled.length.toString(16),
      smuggled,
      '0',
      '',
      '',
    )
    await client.until(/ok$/)
    await eventually(() => worker.record.bytes.endsWith('0\r\n\r\n'))
    const [head, ...body] = worker.record.bytes.split('\r\n\r\n')
    expect(head).toContain('Transfer-Encoding: chunked')
    expect(head).not.toMatch(/content-length/i)
    expect(body.join('\r\n\r\n')).toBe(`${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`)
  }
})

test('header lines keep case, order and repetitions; hop-by-hop ones and those that Connection names are cut', async () => {
  const answer =
    'HTTP/1.1 200 Fine\r\nX-One: 1\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: X-Hop, keep-alive\r\nX-Hop: h\r\nKeep-Alive: timeout=9\r\nx-TWO: 2\r\nContent-Length: 2\r\n\r\nok'
  const worker = await recordingWorker(answer)
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.send(
    get(
      '/',
      'X-aB: 1',
      'Cookie: a=1',
      'TE: trailers',
      'X-Ab: 2',
      'Connection: keep-alive, X-Secret',
      'X-Secret: 1',
      'Proxy-Connection: x',
      'Accept: */*',
    ),
  )
  const got = await client.until(/ok$/)
  expect(got).toMatch(
    /^HTTP\/1.1 200 Fine\r\nX-One: 1\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nx-TWO: 2\r\nContent-Length: 2\r\n/,
  )
  expect(got).not.toMatch(/x-hop|timeout=9/i)
  const seen = worker.record.bytes
  expect(seen).toMatch(/X-aB: 1\r\nCookie: a=1\r\nX-Ab: 2\r\nAccept: \*\/\*\r\n/)
  expect(seen).not.toMatch(/x-secret|proxy-connection|^te:/im)
})

test('forwarding headers are set, and a client cannot set its own', async () => {
  const worker = await recordingWorker()
  const gateway = await startGateway({ v1: [worker.target] })
  const forged = [
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-Port: 66',
    'Forwarded: for=6.6.6.6',
    'X-Forwarded-Proto: https',
  ]
  await new RawClient(gateway.port).send(get('/', ...forged)).until(/ok$/)
  expect(worker.record.bytes).toContain('X-Forwarded-For: 127.0.0.1\r\n')
  expect(worker.record.bytes).toContain('X-Forwarded-Proto: http\r\n')
  expect(worker.record.bytes).toContain('X-Forwarded-Host: example.test\r\n')
  expect(worker.record.bytes).toContain('Forwarded: for=127.0.0.1;host=example.test;proto=http\r\n')
  expect(worker.record.bytes).not.toMatch(/6\.6\.6\.6|https|X-Forwarded-Port/)

  await gateway.configure({ trustProxy: ['127.0.0.0/8'] })
  worker.record.bytes = ''
  await new RawClient(gateway.port).send(get('/', ...forged)).until(/ok$/)
  expect(worker.record.bytes).toContain('X-Forwarded-For: 6.6.6.6, 127.0.0.1\r\n')
  expect(worker.record.bytes).toContain('X-Forwarded-Proto: https\r\n')
  expect(worker.record.bytes).toContain('Forwarded: for=6.6.6.6, for=127.0.0.1;host=example.test;proto=http\r\n')
  expect(worker.record.bytes).toContain('X-Forwarded-Port: 66\r\n')
})

test("a client's own sane request id is kept, another is replaced", async () => {
  const worker = await recordingWorker()
  const gateway = await startGateway({ v1: [worker.target] })
  expect(await new RawClient(gateway.port).send(get('/', 'x-request-id: abc-1')).until(/ok$/)).toContain(
    'X-Request-Id: abc-1\r\n',
  )
  expect(worker.record.bytes).toContain('X-Request-Id: abc-1\r\n')
  const insane = await new RawClient(gateway.port).send(get('/', 'x-request-id: a"b')).until(/ok$/)
  expect(insane).toMatch(/X-Request-Id: [0-9a-f]{24}\r\n/)
})

test('an absolute-form target goes on in origin-form, and names the host', async () => {
  const worker = await recordingWorker()
  const gateway = await startGateway({ v1: [worker.target] })
  await new RawClient(gateway.port).send('GET http://other.test:81/x?y HTTP/1.1', 'Host: h', '', '').until(/ok$/)
  expect(worker.record.bytes).toMatch(/^GET \/x\?y HTTP\/1.1\r\nHost: other.test:81\r\n/)
})

test('connections to a worker are used again', async () => {
  const worker = await startWorker((_req, res) => res.end('x'))
  const gateway = await startGateway({ v1: [worker.target] })
  for (let index = 0; index < 10; index++) await ask(gateway.port)
  expect(worker.connections()).toBe(1)
})

test('pipelined requests are answered in order, one at a time', async () => {
  const running: string[] = []
  let most = 0
  const worker = await startWorker((req, res) => {
    running.push(req.url ?? '')
    most = Math.max(most, running.length)
    setTimeout(
      () => {
        running.pop()
        res.end(`[${req.url}]`)
      },
      req.url === '/0' ? 40 : 1,
    )
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.send(
    ...Array.from({ length: 40 }, (_, index) => get(`/${index}`))
      .join('')
      .split('\r\n'),
  )
  const text = await client.until(/\[\/39\]/)
  expect(text.match(/\[\/\d+\]/g)).toEqual(Array.from({ length: 40 }, (_, index) => `[/${index}]`))
  expect(most).toBe(1)
})

test('Expect: 100-continue is passed on, and so is the 100 of the worker', async () => {
  const worker = await startRawWorker((socket) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
      if (/expect: 100-continue\r\n(.*\r\n)*\r\n$/i.test(text)) socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      if (text.endsWith('hello')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ngot')
    })
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.send('POST / HTTP/1.1', 'Host: h', 'Content-Length: 5', 'Expect: 100-continue', '', '')
  expect(await client.until(/\r\n\r\n/)).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  client.send('hello')
  expect(await client.until(/got$/)).toMatch(/^HTTP\/1.1 200 OK/)
})

test('no 100 is sent where the worker answers at once', async () => {
  const worker = await recordingWorker('HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno')
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.send('POST / HTTP/1.1', 'Host: h', 'Content-Length: 5', 'Expect: 100-continue', '', '')
  expect(await client.until(/no$/)).toMatch(/^HTTP\/1.1 401 No/)
})

test('an expectation that nobody understands is answered 417', async () => {
  const gateway = await startGateway({ v1: [(await recordingWorker()).target] })
  expect(await new RawClient(gateway.port).send(get('/', 'Expect: tea')).until(/\}/)).toMatch(/^HTTP\/1.1 417 /)
})

test.each(['both', 'general'] as const)('an interim answer never tells a length (lanes: %s)', async (lanes) => {
  const worker = await recordingWorker(
    'HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\nLink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\n',
  )
  const gateway = await startGateway({ v1: [worker.target] }, {}, lanes)
  const text = await new RawClient(gateway.port).send(get()).until(/204 No.*\r\n\r\n/s)
  expect(text).toMatch(/^HTTP\/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP\/1.1 204/)
})

test('the values of an answer that names hop-by-hop fields arrive byte by byte', async () => {
  const answer = 'HTTP/1.1 200 OK\r\nConnection: x-hop\r\nX-A:\t Voil\xc3\xa0 \r\nContent-Length: 2\r\n\r\nok'
  const worker = await startRawWorker((socket) => socket.on('data', () => socket.write(answer, 'latin1')))
  const gateway = await startGateway({ v1: [worker.target] })
  expect(await new RawClient(gateway.port).send(get()).until(/ok$/)).toContain('\r\nX-A: Voil\xc3\xa0\r\n')
})

test('103 Early Hints pass through', async () => {
  const worker = await recordingWorker(
    'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  )
  const gateway = await startGateway({ v1: [worker.target] })
  const text = await new RawClient(gateway.port).send(get()).until(/ok$/)
  expect(text).toMatch(/^HTTP\/1.1 103 Early Hints\r\nLink: <\/a>; rel=preload\r\n\r\nHTTP\/1.1 200 OK\r\n/)
})

test('trailers go both ways', async () => {
  const worker = await startWorker((req, res) => {
    req.resume().on('end', () => {
      res.writeHead(200, { Trailer: 'X-Sum' })
      res.write('body')
      res.addTrailers([['X-Sum', `got ${req.trailers['x-check']}`]])
      res.end()
    })
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.send(
    'POST / HTTP/1.1',
    'Host: h',
    'Transfer-Encoding: chunked',
    'Trailer: X-Check',
    '',
    '2',
    'hi',
    '0',
    'X-Check: 7',
    '',
    '',
  )
  expect(await client.until(/X-Sum: got 7\r\n\r\n/)).toContain('4\r\nbody\r\n0\r\n')
})

test('HEAD, 204 and 304 have no body, and the connection goes on', async () => {
  const worker = await startWorker((req, res) => {
    if (req.url === '/204') res.writeHead(204).end()
    else if (req.url === '/304') res.writeHead(304, { 'Content-Length': '10', ETag: '"x"' }).end()
    else res.writeHead(200, { 'Content-Length': '4' }).end(req.method === 'HEAD' ? undefined : 'body')
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.send('HEAD / HTTP/1.1', 'Host: h', '', '')
  expect(await client.until(/\r\n\r\n/)).toContain('Content-Length: 4')
  client.send(get('/204'))
  expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 204 (?!.*(content-length|transfer-encoding))/is)
  client.send(get('/304'))
  expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 304 .*Content-Length: 10/s)
  client.send(get('/'))
  expect(await client.until(/body$/)).toMatch(/^HTTP\/1.1 200 OK/)
})

test('HTTP/1.0 gets an answer that ends with the connection, with or without a Host', async () => {
  const worker = await startWorker((_req, res) => {
    res.write('one')
    res.end('two')
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port).send('GET / HTTP/1.0', '', '')
  const text = await client.closed()
  expect(text).toMatch(/\r\n\r\nonetwo$/)
  expect(text).not.toMatch(/transfer-encoding/i)
  expect(client.hasEnded && client.error === null).toBe(true)
})

test('a POST body arrives as it was sent, with its length', async () => {
  const worker = await startWorker((req, res) => {
    let body = ''
    req.on('data', (chunk) => (body += chunk))
    req.on('end', () => res.end(`${req.headers['content-length']} ${req.headers['transfer-encoding']} ${body}`))
  })
  const gateway = await startGateway({ v1: [worker.target] })
  expect((await ask(gateway.port, '/', { method: 'POST', body: 'hello' })).body).toBe('5 undefined hello')
  expect((await ask(gateway.port, '/', { method: 'POST' })).body).toBe('0 undefined ')
})

test('the head of an upload reaches the worker before its body', async () => {
  const worker = await recordingWorker('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly')
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port).send('POST / HTTP/1.1', 'Host: h', 'Content-Length: 10', '', '')
  await client.until(/early$/)
  client.send('0123456789', get('/next'))
  await client.until(/early$/)
  await eventually(() => worker.record.bytes.includes('GET /next'))
})

test('trailers that would change how the message is read, or cannot be written, are left out', async () => {
  const worker = await recordingWorker()
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  const trailers = ['Host: evil', 'Connection: X-Gone', 'X-Gone: 1', 'X-Fine: 1']
  client.send('POST / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked', '', '2', 'hi', '0', ...trailers, '', '')
  await client.until(/ok$/)
  await eventually(() => worker.record.bytes.endsWith('\r\n\r\n'))
  expect(worker.record.bytes).toMatch(/\r\n0\r\nX-Fine: 1\r\n\r\n$/)
})

test('a field that is not ASCII goes on byte for byte, both ways, though the body is late', async () => {
  const heads: string[] = []
  const worker = await startRawWorker((socket) => {
    socket.once('data', (chunk) => {
      heads.push(chunk.toString('latin1'))
      socket.write('HTTP/1.1 200 OK\r\nX-Answer: \xe4\r\nContent-Length: 2\r\n\r\n', 'latin1')
    })
    socket.on('data', (chunk) => {
      if (String(chunk).endsWith('late')) socket.write('ok')
    })
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.send('POST / HTTP/1.1', 'Host: h', 'X-Ask: \xe4', 'Content-Length: 4', '', '')
  expect(await client.until(/\r\n\r\n/)).toContain('\r\nX-Answer: \xe4\r\n')
  client.send('late')
  await client.until(/ok$/)
  expect(heads[0]).toContain('\r\nX-Ask: \xe4\r\n')
})
