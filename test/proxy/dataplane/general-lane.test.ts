import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { eventually, get, RawClient, startGateway, startRawWorker, startWorker } from './harness.ts'

const ok = (text: string, ...lines: string[]): string =>
  ['HTTP/1.1 200 OK', ...lines, `Content-Length: ${text.length}`, '', text].join('\r\n')

/** A worker that answers `done`, but never to /hang; and the connections on which it did, in order. */
async function doneWorker() {
  const served: Socket[] = []
  const worker = await startRawWorker((socket) => {
    socket.on('data', (chunk) => {
      if (String(chunk).startsWith('GET /hang')) return
      served.push(socket)
      socket.write(ok('done'))
    })
  })
  return { ...worker, served }
}

/** So many requests under way that writes are gathered to the end of a turn. */
async function keepBusy(port: number, worker: { connections(): number }): Promise<void> {
  for (let index = 0; index < 8; index++) new RawClient(port).send(get('/hang'))
  await eventually(() => worker.connections() === 8)
}

test('what a worker says before a request has left for it is no answer to it, and reaches nobody', async () => {
  const worker = await doneWorker()
  const { port } = await startGateway({ v1: [worker.target] }, {}, 'general')
  await keepBusy(port, worker)
  const client = new RawClient(port)
  client.send(get('/first'))
  await client.until(/done/)
  // Both reach the gateway in one turn: the request first.
  client.send(get('/second'))
  worker.served.at(-1)?.write(ok('evil'))
  expect(await client.until(/(?:done|evil)/)).toContain('done')
  client.send(get('/third'))
  expect(await client.until(/(?:done|evil)/)).toContain('done')
})

test('a request that waits for the end of the turn when its worker closes the connection is sent on another one, whatever its method', async () => {
  const worker = await doneWorker()
  const { port } = await startGateway({ v1: [worker.target] }, {}, 'general')
  await keepBusy(port, worker)
  for (const method of ['GET', 'POST']) {
    const client = new RawClient(port)
    client.send(get('/first'))
    await client.until(/done/)
    const before = worker.served.length
    client.send(get('/second').replace('GET', method))
    worker.served.at(-1)?.end()
    expect(await client.until(/done/)).toMatch(/^HTTP\/1.1 200 /)
    expect(worker.served).toHaveLength(before + 1)
    client.socket.destroy()
  }
})

test('answers of any size and framing reach whom they are for, while many are under way at once', async () => {
  const worker = await startWorker((req, res) => {
    const kind = req.headers.kind
    const text = `${req.url} `.repeat(kind === 'large' ? 20_000 : 1)
    if (kind === 'none') res.writeHead(304).end()
    else if (kind === 'trailers') {
      res.writeHead(200, { trailer: 'x-last' })
      res.write(text)
      res.addTrailers({ 'x-last': req.url ?? '' })
      res.end()
    } else res.setHeader('content-length', text.length).end(text)
  })
  const { port } = await startGateway({ v1: [worker.target] }, {}, 'general')
  const ask = async (index: number): Promise<void> => {
    const client = new RawClient(port)
    for (const kind of ['small', 'large', 'none', 'trailers', 'head', 'small']) {
      const path = `/${kind}-${index}-`
      const request = get(path, `Kind: ${kind}`)
      client.send(kind === 'head' ? request.replace('GET', 'HEAD') : request)
      const head = await client.until(/\r\n\r\n/)
      expect(head).toMatch(kind === 'none' ? /^HTTP\/1.1 304 / : /^HTTP\/1.1 200 /)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
      if (kind === 'small') expect(await client.until(/ $/)).toBe(`${path} `)
      if (kind === 'trailers') expect(await client.until(/\r\n\r\n/)).toContain(`x-last: ${path}\r\n`)
      if (kind === 'head') expect(length).toBe(path.length + 1)
      if (kind === 'large') {
        const expected = `${path} `.repeat(20_000)
        await eventually(() => client.text.length >= expected.length)
        expect(client.text === expected).toBe(true)
        client.text = ''
      }
    }
  }
  await Promise.all(Array.from({ length: 12 }, (_, index) => ask(index)))
})

test.each(['both', 'general'] as const)(
  'a connection of a client that sends no further request is closed (%s)',
  async (lanes) => {
    const worker = await startWorker((_req, res) => res.end('done'))
    const { port } = await startGateway({ v1: [worker.target] }, { keepAliveTimeout: 100 }, lanes)
    const client = new RawClient(port).send(get('/'))
    await client.until(/done/)
    expect(await client.closed()).toBe('')
  },
)

test.each([
  ['timeout=1, max=9', 2],
  ['max=9, timeout=5', 1],
])('a connection of which the worker says `Keep-Alive: %s` serves two requests on %i', async (value, connections) => {
  const worker = await startRawWorker((socket) => {
    socket.on('data', () => socket.write(ok('done', `Keep-Alive: ${value}`)))
  })
  const { port } = await startGateway({ v1: [worker.target] }, {}, 'general')
  const client = new RawClient(port)
  for (let index = 0; index < 2; index++) {
    client.send(get('/'))
    await client.until(/done/)
  }
  expect(worker.connections()).toBe(connections)
})

test('a file name that is not ASCII arrives as it was sent, also behind Content-Length', async () => {
  const disposition = 'Content-Disposition: attachment; filename="\xc4\x80\xc3\xa9"'
  let got = ''
  const worker = await startRawWorker((socket) => {
    socket.on('data', (chunk: Buffer) => {
      got += chunk.toString('latin1')
      if (got.endsWith('body')) {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${disposition}\r\n\r\nok`, 'latin1')
      }
    })
  })
  const { port } = await startGateway({ v1: [worker.target] }, {}, 'general')
  const client = new RawClient(port)
  client.send('POST / HTTP/1.1', 'Host: h', 'Content-Length: 4', disposition, '', 'body')
  expect(await client.until(/\r\n\r\nok/)).toContain(disposition)
  expect(got).toContain(disposition)
})

test('an answer in several chunks that come at once arrives whole', async () => {
  const chunked =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\nX-Last: 1\r\n\r\n'
  const worker = await startRawWorker((socket) => {
    socket.on('data', () => socket.write(chunked))
  })
  const { port } = await startGateway({ v1: [worker.target] }, {}, 'general')
  const client = new RawClient(port)
  for (let index = 0; index < 2; index++) {
    client.send(get('/'))
    const answer = await client.until(/\r\n0\r\nX-Last: 1\r\n\r\n/)
    expect(answer.slice(answer.indexOf('\r\n\r\n')).replace(/\r\n[1-3]\r\n|\r\n/g, '')).toBe('abc0X-Last: 1')
  }
  expect(worker.connections()).toBe(1)
})
