import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { ask, RawClient, startGateway, startRawWorker, startWorker } from './harness.ts'

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
