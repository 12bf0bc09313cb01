import { expect, test } from 'vitest'
import { get, RawClient, startRawWorker, startWorker } from '../harness.ts'
import { ask, dial, negotiate, startClearGateway, startTlsGateway } from './h2-harness.ts'

const ok = (text: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`

test('a request goes to a worker as HTTP/1.1, and its answer comes back', async () => {
  const heads: string[] = []
  const worker = await startRawWorker((socket) =>
    socket.on('data', (chunk) => {
      heads.push(String(chunk))
      socket.write(ok('hello'))
    }),
  )
  const gateway = await startClearGateway({ v1: [worker.target] })
  const session = dial(gateway)
  const answer = await ask(session, {
    ':path': '/a?b',
    ':authority': 'h.test:1',
    cookie: ['a=1', 'b=2'],
    'x-b': 'c',
    'x-request-id': 'i',
  })
  expect(heads).toEqual([
    'GET /a?b HTTP/1.1\r\nhost: h.test:1\r\nx-b: c\r\ncookie: a=1; b=2\r\nX-Forwarded-For: 127.0.0.1\r\n' +
      'X-Forwarded-Proto: http\r\nX-Forwarded-Host: h.test:1\r\nForwarded: for=127.0.0.1;host="h.test:1";proto=http\r\n' +
      'X-Request-Id: i\r\n\r\n',
  ])
  expect(answer).toMatchObject({ status: 200, body: 'hello', isWhole: true })
  expect(answer.headers).toMatchObject({
    'content-length': '5',
    'x-request-id': 'i',
    'x-served-version': 'v1; by=live',
    date: expect.any(String),
  })
})

test('with TLS the two agree on HTTP/2, unless the binding does not speak it', async () => {
  const worker = await startWorker((req, res) => res.end(`${req.headers['x-forwarded-proto']}`))
  const gateway = await startTlsGateway({ v1: [worker.target] })
  expect(await negotiate(gateway, ['h2', 'http/1.1'])).toBe('h2')
  expect(await negotiate(gateway, ['http/1.1', 'h2'])).toBe('h2')
  expect(await negotiate(gateway, ['http/1.1'])).toBe('http/1.1')
  expect(await ask(dial(gateway, 'https'))).toMatchObject({ status: 200, body: 'https' })
  const without = await startTlsGateway({ v1: [worker.target] }, false)
  expect(await negotiate(without, ['h2', 'http/1.1'])).toBe('http/1.1')
})

test('without TLS, HTTP/1.1 is told from HTTP/2 by its first bytes, however they are cut', async () => {
  const worker = await startWorker((req, res) => res.end(`<${req.method}>`))
  const gateway = await startClearGateway({ v1: [worker.target] })
  expect(await new RawClient(gateway.port).send(get()).until(/<GET>/)).toMatch(/^HTTP\/1.1 200 /)
  const cut = new RawClient(gateway.port)
  cut.socket.setNoDelay(true)
  for (const byte of get().replace('GET', 'PROPFIND')) {
    cut.socket.write(byte)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await cut.until(/<PROPFIND>/)
})
