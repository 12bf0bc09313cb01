import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { eventually, get, RawClient, startGateway, startRawWorker } from '../harness.ts'

const ok = (text: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`

test('a request that still waits for the end of the turn when its worker closes the connection is sent on another one', async () => {
  const got: string[] = []
  const served: Socket[] = []
  const worker = await startRawWorker((socket) => {
    socket.on('data', (chunk) => {
      const text = String(chunk)
      if (text.startsWith('GET /hang')) return
      got.push(text)
      served.push(socket)
      socket.write(ok('done'))
    })
  })
  const { port } = await startGateway({ v1: [worker.target] })
  for (let index = 0; index < 8; index++) new RawClient(port).send(get('/hang'))
  await eventually(() => worker.connections() === 8) // so many requests under way that writes are gathered
  const measured = (body: string): string[] => [`Content-Length: ${body.length}`, '', body]
  const chunked = ['Transfer-Encoding: chunked', '', '3', 'abc', '0', '', '']
  for (const framed of [measured(''), measured('x'.repeat(100)), chunked]) {
    const client = new RawClient(port)
    client.send(get('/first'))
    await client.until(/done/)
    got.splice(0)
    const post = ['POST /second HTTP/1.1', 'Host: example.test', ...framed]
    // Both reach the gateway in one turn: the request first, and a pipelined one behind it.
    client.socket.write(`${post.join('\r\n')}GET /hang HTTP/1.1\r\nHost: example.test\r\n\r\n`)
    served.at(-1)?.end()
    await client.until(/200 OK.*done/s)
    expect(got).toHaveLength(1)
    const body = framed.slice(framed.indexOf('')).join('\r\n')
    expect(got[0]?.slice(got[0].indexOf('\r\n\r\n') + 2)).toBe(body)
    client.socket.destroy()
  }
})

test('what a worker says before a request has left for it is no answer to it, and reaches nobody', async () => {
  const served: Socket[] = []
  const worker = await startRawWorker((socket) => {
    socket.on('data', (chunk) => {
      if (String(chunk).startsWith('GET /hang')) return
      served.push(socket)
      socket.write(ok('done'))
    })
  })
  const { port } = await startGateway({ v1: [worker.target] })
  for (let index = 0; index < 8; index++) new RawClient(port).send(get('/hang'))
  await eventually(() => worker.connections() === 8)
  const client = new RawClient(port)
  client.send(get('/first'))
  await client.until(/done/)
  // Both reach the gateway in one turn: the request first.
  client.send(get('/second'))
  served.at(-1)?.write(ok('evil'))
  expect(await client.until(/(?:done|evil)/)).toContain('done')
  client.send(get('/third'))
  expect(await client.until(/(?:done|evil)/)).toContain('done')
})
