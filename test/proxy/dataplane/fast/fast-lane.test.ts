import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { eventually, get, RawClient, startGateway, startRawWorker, startWorker } from '../harness.ts'

const ok = (text: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`

/** What the general lane says to workers, and the fast lane never does. */
const ofGeneralLane = /\r\nConnection: keep-alive\r\n/i

async function recordingGateway(settings = {}) {
  const heads: string[] = []
  const sockets: Socket[] = []
  const worker = await startRawWorker((socket) => {
    sockets.push(socket)
    socket.on('data', (chunk) => {
      heads.push(String(chunk))
      socket.write(ok(`<${/^\S+ (\S+)/.exec(String(chunk))?.[1]}>`))
    })
  })
  return { heads, sockets, worker, gateway: await startGateway({ v1: [worker.target] }, settings) }
}

test('a plain request is passed on byte by byte, with our lines behind its own', async () => {
  const { gateway, heads } = await recordingGateway()
  const client = new RawClient(gateway.port).send('GET /a?b HTTP/1.1', 'hOsT:h', 'x-B:  c ', 'X-Request-ID: i', '', '')
  const answer = await client.until(/<\/a\?b>$/)
  expect(heads).toEqual([
    'GET /a?b HTTP/1.1\r\nhOsT:h\r\nx-B:  c \r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n' +
      'X-Forwarded-Host: h\r\nForwarded: for=127.0.0.1;host=h;proto=http\r\nX-Request-Id: i\r\n\r\n',
  ])
  expect(answer).toMatch(
    /^HTTP\/1.1 200 OK\r\nContent-Length: 6\r\nX-Request-Id: i\r\nX-Served-Version: v1; by=live\r\nDate: .*\r\n\r\n<\/a\?b>$/,
  )
})

test("from the first request that is not plain, the connection is the general lane's, and no byte is lost", async () => {
  const { gateway, heads } = await recordingGateway()
  const client = new RawClient(gateway.port)
  client.send(`${get('/1')}${get('/2')}${get('/3', 'TE: trailers')}${get('/4')}`)
  const text = await client.until(/<\/4>$/)
  expect(text.match(/<\/\d>/g)).toEqual(['</1>', '</2>', '</3>', '</4>'])
  expect(heads.map((head) => ofGeneralLane.test(head))).toEqual([false, false, true, true])
})

test('a request whose version does not run waits in the general lane', async () => {
  const { gateway, heads, worker } = await recordingGateway()
  gateway.route({ v1: { state: 'cold', attempt: 0, targets: [] } })
  const client = new RawClient(gateway.port).send(get('/1'))
  await gateway.channel.until(() => gateway.channel.bodiesOf('demand')[0])
  gateway.route({ v1: [worker.target] })
  await client.until(/<\/1>$/)
  expect(ofGeneralLane.test(heads[0] ?? '')).toBe(true)
  const counters = () => gateway.channel.bodiesOf('counters').flatMap(({ versions }) => versions)
  await gateway.channel.until(() => counters().at(-1)?.inFlight === 0)
  expect(counters().reduce((sum, { requests }) => sum + requests, 0)).toBe(1)
})

test('a head that comes byte by byte is answered all the same', async () => {
  const { gateway } = await recordingGateway()
  const client = new RawClient(gateway.port)
  client.socket.setNoDelay(true)
  for (const byte of get('/slow')) {
    client.socket.write(byte)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await client.until(/<\/slow>$/)
})

test('a head that comes in drops is cut off in time, whichever lane it has come to', async () => {
  const { gateway } = await recordingGateway({ headTimeout: 400 })
  const client = new RawClient(gateway.port)
  const began = Date.now()
  const drip = setInterval(() => client.socket.write('x'), 50)
  client.send('GET /')
  expect(await client.closed()).toMatch(/^HTTP\/1.1 408 /)
  clearInterval(drip)
  // The limit, a tick of the clock and the time to say goodbye; a second limit in the second lane would be more.
  expect(Date.now() - began).toBeLessThan(2_000)
})

test('a connection that is never used, and one that is used no more, are closed in time', async () => {
  const { gateway } = await recordingGateway({ headTimeout: 150, keepAliveTimeout: 150 })
  const used = new RawClient(gateway.port).send(get('/1'))
  const unused = new RawClient(gateway.port)
  await used.until(/<\/1>$/)
  expect(await Promise.all([used.closed(), unused.closed()])).toEqual(['', ''])
})

test('a connection to a worker is closed before the worker would close it', async () => {
  const { gateway, sockets } = await recordingGateway()
  await new RawClient(gateway.port).send(get()).until(/<\/>$/)
  const began = Date.now()
  await new Promise((resolve) => sockets[0]?.once('close', resolve))
  expect(Date.now() - began).toBeLessThan(4_900)
})

test('a worker that closes unused connections early, and does not say so, meets no request on one again', async () => {
  let connections = 0
  let open = 0
  let cut = 0
  const worker = await startRawWorker((socket) => {
    connections++
    open++
    let timer: NodeJS.Timeout | undefined
    // What is unused for 1.2 s is closed; a request that comes in the same moment would be lost.
    socket.on('data', () => {
      clearTimeout(timer)
      socket.write(ok('ok'))
      timer = setTimeout(() => {
        cut++
        socket.end()
      }, 1_200)
    })
    socket.on('close', () => {
      open--
      clearTimeout(timer)
    })
  })
  const gateway = await startGateway({ v1: [worker.target] })
  await new RawClient(gateway.port).send(get()).until(/ok$/)
  await eventually(() => cut === 1 && open === 0)
  for (let index = 0; index < 2; index++) {
    const before = connections
    await new RawClient(gateway.port).send(get()).until(/ok$/)
    await new RawClient(gateway.port).send(get()).until(/ok$/)
    expect(connections).toBe(before + 1)
    await eventually(() => open === 0)
  }
  expect(cut).toBe(1)
})

test('a worker that keeps connections for a second only gets no second request on one', async () => {
  let connections = 0
  const worker = await startRawWorker((socket) => {
    connections++
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok'))
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  for (let index = 0; index < 3; index++) await client.send(get()).until(/ok$/)
  expect(connections).toBe(3)
})

test('Connection: close is obeyed on both sides', async () => {
  let connections = 0
  const worker = await startRawWorker((socket) => {
    connections++
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'))
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  expect(await client.send(get()).until(/ok$/)).not.toMatch(/connection:/i)
  expect(await client.send(get('/', 'Connection: close')).closed()).toMatch(/\r\nConnection: close\r\n(.*\r\n)*\r\nok$/)
  expect(connections).toBe(2)
  expect(client.error).toBe(null)
})

test('what the client sends ahead of its turn is not read without end', async () => {
  let requests = 0
  const worker = await startRawWorker((socket) => socket.on('data', () => requests++))
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port).send(get())
  await eventually(() => requests === 1)
  let sent = 0
  const chunk = Buffer.from(get('/again').repeat(1_000))
  while (sent < 40_000_000 && client.socket.write(chunk)) sent += chunk.length
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(client.socket.writableLength).toBeGreaterThan(0)
  expect(requests).toBe(1)
})

test('a client that sends requests and reads no answers gets no more answers than its buffers hold', async () => {
  let requests = 0
  const worker = await startWorker((_req, res) => {
    requests++
    res.end('x'.repeat(20_000))
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.socket.pause()
  const count = 3_000
  client.send(get('/').repeat(count))
  let before = -1
  while (requests === 0 || requests !== before) {
    before = requests
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  expect(requests).toBeLessThan(count - 500)
  client.socket.on('data', () => {
    client.text = ''
  })
  client.socket.resume()
  await eventually(() => requests === count)
})

test('a client that reads a last answer slowly gets all of it', async () => {
  const size = 12_000_000
  const worker = await startWorker((_req, res) => res.end(Buffer.alloc(size, 'x')))
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port).send(get('/', 'Connection: close'))
  await client.until(/\r\n\r\n/)
  client.socket.pause()
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  client.socket.resume()
  expect((await client.closed()).length).toBe(size)
})

test('a client that ends in the middle of a head is told so', async () => {
  const { gateway } = await recordingGateway()
  const client = new RawClient(gateway.port).send('GET / HTTP/1.1', 'Host: h')
  client.socket.end()
  expect(await client.closed()).toMatch(/^HTTP\/1.1 400 /)
})

test('an upload is held back by a worker that does not read, and arrives whole once it does', async () => {
  const size = 20_000_000
  let isHeld = true
  const worker = await startWorker((req, res) => {
    let received = 0
    req.pause()
    setTimeout(() => {
      isHeld = client.socket.writableLength > 0
      req.on('data', (chunk) => {
        received += chunk.length
      })
      req.on('end', () => res.end(`got ${received}`))
      req.resume()
    }, 300)
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.socket.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`)
  client.socket.write(Buffer.alloc(size, 'x'))
  expect(await client.until(/got \d+/)).toContain(`got ${size}`)
  expect(isHeld).toBe(true)
})

test('chunks go through as they come, both ways, without waiting for each other', async () => {
  const worker = await startWorker((req, res) => {
    res.flushHeaders()
    req.on('data', (chunk) => res.write(`echo ${chunk}`))
    req.on('end', () => res.end('end'))
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.send('POST / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked', '', '')
  await client.until(/\r\n\r\n/)
  for (const text of ['one', 'two', 'three']) {
    client.send(text.length.toString(16), text, '')
    await client.until(new RegExp(`echo ${text}\r\n`))
  }
  client.send('0', '', '')
  await client.until(/end\r\n0\r\n\r\n/)
})

test('when the client leaves, the connection to the worker is closed in the same turn', async () => {
  for (const leave of [(socket: Socket) => socket.resetAndDestroy(), (socket: Socket) => socket.end()]) {
    let seen = 0
    const closed: number[] = []
    const worker = await startRawWorker((socket) => {
      socket.on('data', () => seen++)
      socket.on('close', () => closed.push(Date.now()))
    })
    const gateway = await startGateway({ v1: [worker.target] })
    const client = new RawClient(gateway.port).send(get())
    await eventually(() => seen === 1)
    leave(client.socket)
    await eventually(() => closed.length === 1)
    gateway.route({ v2: [] })
    await gateway.channel.until(() => gateway.channel.bodiesOf('released').length === 1)
  }
})

test('two workers share the requests of one connection, and so do two connections', async () => {
  const seen = [0, 0]
  const workers = await Promise.all(
    [0, 1].map((index) =>
      startWorker((_req, res) => {
        seen[index] = (seen[index] ?? 0) + 1
        res.end(String(seen[index]))
      }),
    ),
  )
  const gateway = await startGateway({ v1: workers.map(({ target }) => target) })
  const clients = [new RawClient(gateway.port), new RawClient(gateway.port)]
  for (let index = 0; index < 10; index++)
    for (const client of clients) await client.send(get()).until(/\r\n\r\n.*\d+(\r\n0\r\n\r\n)?$/s)
  expect(Math.min(...seen)).toBeGreaterThan(5)
})

test('a head that comes slowly while the gateway stops is waited for, and answered', async () => {
  const { gateway } = await recordingGateway()
  const client = new RawClient(gateway.port).send('GET /slow HTTP/1.1', 'Host: h', '')
  const other = new RawClient(gateway.port).send(get())
  await other.until(/<\/>$/)
  gateway.channel.tell({ type: 'stop' })
  for (let index = 0; index < 4; index++) {
    await new Promise((resolve) => setTimeout(resolve, 400))
    client.send(`X-${index}: y`, '')
  }
  client.send('', '')
  expect(await client.closed()).toMatch(/^HTTP\/1.1 200 [\s\S]*\r\nConnection: close\r\n[\s\S]*<\/slow>$/)
})

test('a stop in the middle of an answer does not close the connection behind it without a word', async () => {
  let finish = (): void => {}
  const worker = await startWorker((req, res) => {
    if (req.url !== '/long') return void res.end('short')
    res.write('begun')
    finish = () => res.end('ended')
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port).send(get('/long'))
  expect(await client.until(/begun/)).not.toMatch(/connection: close/i)
  gateway.channel.tell({ type: 'stop' })
  finish()
  await client.until(/ended\r\n0\r\n\r\n/)
  expect(await client.send(get('/short')).closed()).toMatch(/\r\nConnection: close\r\n(.*\r\n)*\r\n.*short/)
})

test('a worker that breaks off is left for another one, and so is one that cannot be connected, with the body', async () => {
  const bodies: string[] = []
  const sound = await startRawWorker((socket) => {
    socket.on('data', (chunk) => {
      bodies.push(String(chunk).split('\r\n\r\n')[1] ?? '')
      socket.write(ok('sound'))
    })
  })
  const faulty = await startRawWorker((socket) => socket.once('data', () => socket.resetAndDestroy()))
  const gateway = await startGateway({ v1: [faulty.target, sound.target] })
  const client = new RawClient(gateway.port)
  await client.send(get()).until(/sound$/)
  await faulty.kill()
  for (let index = 0; index < 4; index++) {
    client.send('POST / HTTP/1.1', 'Host: h', 'Content-Length: 4', '', 'body')
    expect(await client.until(/sound$/)).not.toContain('keep-alive')
  }
  expect(bodies).toEqual(['', ...Array(4).fill('body')])
})

test.each([
  ['Content-Length:\t2', 'Content-Length: 2', 'ok'],
  ['content-length: 2 \t', 'content-length: 2', 'ok'],
  ['Content-Length:  2', 'Content-Length: 2', 'ok'],
  ['Transfer-Encoding:\tchunked', 'Transfer-Encoding: chunked', '2\r\nok\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked\t', 'Transfer-Encoding: chunked', '2\r\nok\r\n0\r\n\r\n'],
])(
  'an answer with a length or coding that is spaced oddly (%j) is passed on with plain spacing',
  async (field, plain, body) => {
    const worker = await startRawWorker((socket) => {
      socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\n${field}\r\nX-A: 1\r\nx-a:2\r\n\r\n${body}`))
    })
    const gateway = await startGateway({ v1: [worker.target] })
    const answer = await new RawClient(gateway.port).send(get('/', 'Connection: close')).closed()
    expect(answer.split('\r\n')).toContain(plain)
    expect(answer).toMatch(/\r\nX-A: 1\r\nx-a: 2\r\n/)
    expect(answer.endsWith(`\r\n\r\n${body}`)).toBe(true)
    expect(answer.match(/^(content-length|transfer-encoding):/gim)?.length).toBe(1)
  },
)
