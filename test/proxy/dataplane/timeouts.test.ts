import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Target } from '../../../src/proxy/routing/route-table.ts'
import { eventually, get, RawClient, refused, startGateway, startRawWorker, startWorker } from './harness.ts'

/** A worker that keeps what it gets, and says nothing unless it is told to. */
async function recordingWorker() {
  const record = { bytes: '', sockets: [] as Socket[], closed: 0 }
  const worker = await startRawWorker((socket) => {
    record.sockets.push(socket)
    socket.on('data', (chunk) => {
      record.bytes += chunk.toString('latin1')
    })
    socket.on('close', () => record.closed++)
  })
  return { target: worker.target, record }
}

const upload = ['POST /up HTTP/1.1', 'Host: h'].join('\r\n')
const unfinished = [
  ['of a length', `${upload}\r\nContent-Length: 10\r\n\r\n01234`],
  ['in chunks', `${upload}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n`],
  ['that has not begun', `${upload}\r\nContent-Length: 10\r\n\r\n`],
] as const

describe.each(['both', 'general'] as const)('lanes: %s', (lanes) => {
  test.each(unfinished)(
    'a body %s that does not go on is answered 408, and its worker is told',
    async (_name, bytes) => {
      const { target, record } = await recordingWorker()
      const gateway = await startGateway({ v1: [target] }, { bodyTimeout: 200 }, lanes)
      const text = await new RawClient(gateway.port).send(bytes).closed()
      expect(text).toMatch(/^HTTP\/1.1 408 .*\r\nConnection: close\r\n.*"code":"BODY_TIMEOUT"/s)
      await eventually(() => record.closed === 1)
      expect(await refused(gateway, 'BODY_TIMEOUT')).toBe(1)
      expect(gateway.channel.bodiesOf('ejected')).toEqual([])
    },
  )

  test('a body that comes in drops takes as long as it takes', async () => {
    const worker = await startWorker((req, res) => {
      let size = 0
      req.on('data', (chunk) => (size += chunk.length))
      req.on('end', () => res.end(`<${size}>`))
    })
    const gateway = await startGateway({ v1: [worker.target] }, { bodyTimeout: 400 }, lanes)
    const client = new RawClient(gateway.port).send(`${upload}\r\nContent-Length: 12\r\n\r\n`)
    for (let drop = 0; drop < 12; drop++) {
      await delay(80)
      client.send('x')
    }
    expect(await client.until(/<12>/)).toMatch(/^HTTP\/1.1 200 /)
  })

  test('a client is not slow while its worker does not read', async () => {
    const size = 8 * 1024 * 1024
    let arrived = 0
    const sockets: Socket[] = []
    const worker = await startRawWorker((socket) => {
      sockets.push(socket.pause())
      socket.on('data', (chunk) => {
        arrived += chunk.length
        if (arrived > size) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
      socket.pause()
    })
    const gateway = await startGateway({ v1: [worker.target] }, { bodyTimeout: 150 }, lanes)
    const client = new RawClient(gateway.port).send(`${upload}\r\nContent-Length: ${size}\r\n\r\n`)
    client.socket.write(Buffer.alloc(size))
    await eventually(() => sockets.length === 1)
    await delay(800)
    expect(client.isClosed || client.text !== '').toBe(false)
    sockets[0]?.resume()
    expect(await client.until(/ok$/)).toMatch(/^HTTP\/1.1 200 /)
  })

  test('while the answer goes on, a client may hold back its body; when both are silent the answer is cut', async () => {
    const { target, record } = await recordingWorker()
    const gateway = await startGateway({ v1: [target] }, { bodyTimeout: 400 }, lanes)
    const client = new RawClient(gateway.port).send(unfinished[1][1])
    await eventually(() => record.bytes.includes('01234'))
    const [socket] = record.sockets
    socket?.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
    for (let piece = 0; piece < 10; piece++) {
      socket?.write('1\r\nx\r\n')
      await delay(80)
    }
    expect(client.isClosed).toBe(false)
    const text = await client.closed()
    expect(text).toMatch(/^HTTP\/1.1 200 /)
    expect(text).not.toMatch(/\r\n0\r\n/)
    expect(client.hasEnded && client.error === null).toBe(false)
    await eventually(() => record.closed === 1)
  })

  test('a client that was answered and does not send the rest of its body is let go', async () => {
    const { target, record } = await recordingWorker()
    const gateway = await startGateway({ v1: [target] }, { bodyTimeout: 300 }, lanes)
    const client = new RawClient(gateway.port).send(unfinished[0][1])
    await eventually(() => record.bytes.includes('01234'))
    record.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly')
    await client.until(/early$/)
    expect(await client.closed()).toBe('')
  })

  test('0 is for ever', async () => {
    const { target, record } = await recordingWorker()
    const gateway = await startGateway({ v1: [target] }, { bodyTimeout: 0, answerTimeout: 100 }, lanes)
    const client = new RawClient(gateway.port).send(unfinished[0][1])
    await eventually(() => record.bytes.includes('01234'))
    await delay(600)
    client.send('56789')
    await eventually(() => record.bytes.includes('0123456789'))
    record.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    await client.until(/ok$/)
  })

  test('an upgraded connection that is silent both ways is closed, one that is not goes on', async () => {
    const worker = await startRawWorker((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
        const beat = setInterval(() => socket.write('.'), 60)
        socket.on('data', () => clearInterval(beat))
        socket.on('close', () => clearInterval(beat))
      }),
    )
    const gateway = await startGateway({ v1: [worker.target] }, { upgradeIdleTimeout: 400 }, lanes)
    const client = new RawClient(gateway.port).send(get('/', 'Connection: Upgrade', 'Upgrade: x'))
    await client.until(/\.{15}/)
    client.send('quiet')
    const began = Date.now()
    await client.closed()
    expect(Date.now() - began).toBeGreaterThan(300)
    const counters = () => gateway.channel.bodiesOf('counters').flatMap(({ versions }) => versions)
    await gateway.channel.until(() => counters().at(-1)?.inFlight === 0)
  })

  test('a head in drops is answered 408 no later than its time', async () => {
    const { target } = await recordingWorker()
    const gateway = await startGateway({ v1: [target] }, { headTimeout: 2_000 }, lanes)
    const client = new RawClient(gateway.port).send('GET / HTTP/1.1\r\nX: ')
    const drip = setInterval(() => client.socket.write('x'), 100)
    onTestFinished(() => clearInterval(drip))
    const began = Date.now()
    await client.until(/^HTTP\/1.1 408 /)
    clearInterval(drip)
    expect(Date.now() - began).toBeLessThan(4_000)
    expect(Date.now() - began).toBeGreaterThan(900)
    expect(await refused(gateway, 'REQUEST_TIMEOUT')).toBe(1)
  })

  test.skipIf(process.platform !== 'linux')('a worker that does not accept is left for another in time', async () => {
    const stuck = await fullListener()
    const sound = await startWorker((_req, res) => res.end('<sound>'))
    const gateway = await startGateway({ v1: [stuck] }, { connectTimeout: 200 }, lanes)
    const client = new RawClient(gateway.port).send(get())
    await gateway.channel.until(() =>
      gateway.channel.bodiesOf('ejected').find(({ reason }) => reason === 'no connection within 200 ms'),
    )
    gateway.route({ v1: [stuck, sound.target] })
    expect(await client.until(/<sound>/)).toMatch(/^HTTP\/1.1 200 /)
  })
})

/** A target whose queue of connections is full. */
async function fullListener(): Promise<Target> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'full-listener.mjs')])
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const [port] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  for (;;) {
    const socket = connect(Number(port), '127.0.0.1')
    onTestFinished(() => {
      socket.destroy()
    })
    const isOpen = await Promise.race([once(socket, 'connect').then(() => true), delay(300).then(() => false)])
    if (!isOpen) return { id: 'full', host: '127.0.0.1', port: Number(port) }
  }
}
