import { expect, test } from 'vitest'
import type { Route } from '../../../src/proxy/routing/route-table.ts'
import { eventually, get, RawClient, startGateway, startRawWorker, startWorker } from './harness.ts'

test('a stop finishes what is in flight, says Connection: close, and ends with 0', async () => {
  let finish = (): void => {}
  const worker = await startWorker((req, res) => {
    if (req.url === '/slow') finish = () => res.end('slow')
    else res.end('fast')
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const slow = new RawClient(gateway.port).send(get('/slow'))
  const idle = new RawClient(gateway.port).send(get())
  await idle.until(/fast$/)
  await eventually(() => worker.connections() === 2 || finish.toString().includes('slow'))
  gateway.channel.tell({ type: 'stop' })

  // A request that was on its way when the stop came is still answered.
  idle.send(get('/late'))
  expect(await idle.until(/fast$/)).toContain('Connection: close')
  await idle.closed()
  expect(idle.error).toBe(null)

  finish()
  expect(await slow.closed()).toMatch(/^HTTP\/1.1 200 (.*\r\n)*Connection: close\r\n(.*\r\n)*\r\nslow$/)
  expect(await gateway.process.ended).toEqual({ code: 0, reason: null })
  expect(
    gateway.channel
      .bodiesOf('counters')
      .flatMap(({ versions }) => versions)
      .reduce((sum, { requests }) => sum + requests, 0),
  ).toBe(3)
  await expect(fetch(`http://127.0.0.1:${gateway.port}/`)).rejects.toThrow()
})

test('an idle connection is closed a moment after the stop, cleanly', async () => {
  const worker = await startWorker((_req, res) => res.end('x'))
  const gateway = await startGateway({ v1: [worker.target] })
  const idle = new RawClient(gateway.port).send(get())
  await idle.until(/x$/)
  const unused = new RawClient(gateway.port)
  await new Promise((resolve) => unused.socket.once('connect', resolve))
  await gateway.process.stop()
  await Promise.all([idle.closed(), unused.closed()])
  expect([idle.error, unused.error]).toEqual([null, null])
})

test('an upgraded connection may go on until the deadline, and no longer', async () => {
  const worker = await startRawWorker((socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
      socket.on('data', (chunk) => socket.write(chunk))
    }),
  )
  const gateway = await startGateway({ v1: [worker.target] }, { drainTimeout: 1_500 })
  const client = new RawClient(gateway.port).send(get('/', 'Connection: Upgrade', 'Upgrade: x'))
  await client.until(/\r\n\r\n/)
  const stopped = gateway.process.stop()
  await new Promise((resolve) => setTimeout(resolve, 1_200))
  client.send('echo')
  await client.until(/echo/)
  await stopped
  await client.closed()
})

test('requests at the gate go on waiting through a stop, and are answered', async () => {
  const cold: Route = { state: 'cold', attempt: 0, targets: [] }
  const worker = await startWorker((_req, res) => res.end('ready'))
  const gateway = await startGateway({ v1: cold })
  const client = new RawClient(gateway.port).send(get())
  await gateway.channel.until(() => gateway.channel.bodiesOf('demand')[0])
  const stopped = gateway.process.stop()
  gateway.route({ v1: [worker.target] })
  expect(await client.closed()).toMatch(/^HTTP\/1.1 200 .*ready$/s)
  await stopped
})

test('an older table that comes late changes nothing, and is not acknowledged', async () => {
  const worker = await startWorker((_req, res) => res.end('x'))
  const gateway = await startGateway({ v1: [worker.target] })
  gateway.route({ v2: [worker.target] })
  gateway.channel.tell({ type: 'message', body: { type: 'routes', table: { epoch: 1, live: 'v1', versions: [] } } })
  expect(gateway.channel.bodiesOf('ack').map(({ epoch }) => epoch)).toEqual([1, 2])
  expect(await new RawClient(gateway.port).send(get()).until(/x$/)).toContain('v2; by=live')
})
