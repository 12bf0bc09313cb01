import { once } from 'node:events'
import http from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
// @ts-expect-error a plain script without types
import { AnswerReader } from '../../bench/load/answer-reader.mjs'
// @ts-expect-error a plain script without types
import { runClient } from '../../bench/load/run-client.mjs'

const answer = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Other: 1\r\n\r\nhello')

describe('the reader of answers', () => {
  it('finds the end of an answer, wherever it was cut', () => {
    const reader = new AnswerReader()
    for (let cut = 1; cut < answer.length; cut += 1) {
      expect(reader.read(answer.subarray(0, cut))).toBe(false)
      expect(reader.read(answer.subarray(cut))).toBe(true)
    }
  })

  it('refuses what is not 200, has no length, or is longer than it says', () => {
    const read = (text: string) => () => new AnswerReader().read(Buffer.from(text))
    expect(read('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n')).toThrow(/502/)
    expect(read('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')).toThrow(/Content-Length/)
    expect(read('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab')).toThrow(/more than/)
  })
})

describe('the client with a fixed rate', () => {
  it('charges a stall to every request that was due meanwhile', async () => {
    const stallMs = 700
    let count = 0
    let stalledUntil = 0
    const server = http.createServer((_req, res) => {
      count += 1
      if (count === 110) stalledUntil = performance.now() + stallMs
      setTimeout(() => res.end('x'), Math.max(0, stalledUntil - performance.now()))
    })
    const task = {
      core: null,
      port: await portOf(server),
      path: '/',
      headers: {},
      connections: 2,
      rate: 200,
      seconds: 1,
    }
    const result = await runClient('fixed-rate.mjs', task)
    expect(result.failures).toBe(0)
    // 200 a second for 1.5 s, of which the first 0.5 s does not count. Only two were under way in the stall; 140 were due.
    expect(result.requests).toBe(300)
    expect(result.p50).toBeGreaterThan(stallMs / 7)
  })

  it('fails when an answer is not 200', async () => {
    const server = http.createServer((_req, res) => res.writeHead(502).end())
    const task = {
      core: null,
      port: await portOf(server),
      path: '/',
      headers: {},
      connections: 1,
      rate: 10,
      seconds: 1,
    }
    await expect(runClient('fixed-rate.mjs', task)).rejects.toThrow(/502/)
  })

  it('fails when its connection is closed', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.destroy()))
    const task = {
      core: null,
      port: await portOf(server),
      path: '/',
      headers: {},
      connections: 1,
      rate: 10,
      seconds: 1,
    }
    await expect(runClient('fixed-rate.mjs', task)).rejects.toThrow(/closed/)
  })
})

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}
