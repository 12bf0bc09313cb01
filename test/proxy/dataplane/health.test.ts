import { describe, expect, test } from 'vitest'
import { RawClient, startGateway, startWorker } from './harness.ts'
import { askIn, lanes, startIn } from './lanes.ts'

const healthPath = '/-/health'

describe.each(lanes)('the health path, asked in the %s lane', (lane) => {
  test('says that the gateway is ready as long as the live version is, whatever the query, and asks no worker', async () => {
    let asked = 0
    const { target } = await startWorker((_, res) => void res.end(String(++asked)))
    const gateway = await startIn(lane, { v1: [target], v2: [] }, { healthPath })
    for (const path of [healthPath, `${healthPath}?full`]) {
      const { status, headers, body } = await askIn(lane, gateway, path)
      expect([status, body, headers['content-type']]).toEqual([200, '{"status":"ready"}\n', 'application/json'])
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-request-id': expect.any(String) })
      expect(headers['x-served-version']).toBeUndefined()
    }
    expect((await askIn(lane, gateway, `${healthPath}y`)).body).toBe('1')

    gateway.route({ v1: { state: 'starting', attempt: 1, targets: [] }, v2: [target] })
    expect(await askIn(lane, gateway, healthPath)).toMatchObject({ status: 503, body: '{"status":"not ready"}\n' })
    gateway.route({ v1: [target] }, null)
    expect(await askIn(lane, gateway, healthPath)).toMatchObject({ status: 503 })
    gateway.route({ v1: [target] })
    expect(await askIn(lane, gateway, healthPath)).toMatchObject({ status: 200 })
  })

  test('says that it is not ready as soon as the gateway is to stop, while other requests are served', async () => {
    const { target } = await startWorker((_, res) => void res.end('served'))
    const gateway = await startIn(lane, { v1: [target] }, { healthPath })
    const versions = [['v1', { state: 'ready', attempt: 1, targets: [target] }]] as const
    gateway.channel.tell({
      type: 'message',
      body: { type: 'routes', table: { epoch: 9, live: 'v1', versions, isLeaving: true } },
    })
    expect(await askIn(lane, gateway, healthPath)).toMatchObject({ status: 503 })
    expect(await askIn(lane, gateway, '/')).toMatchObject({ status: 200, body: 'served' })
  })

  test('is a path like any other where it is not configured', async () => {
    const { target } = await startWorker((req, res) => void res.end(req.url))
    const gateway = await startIn(lane, { v1: [target] })
    expect((await askIn(lane, gateway, healthPath)).body).toBe(healthPath)
  })
})

test('what is no GET or HEAD on the health path is for the worker; HEAD gets no body', async () => {
  const { target } = await startWorker((req, res) => void res.end(req.method))
  const { port } = await startGateway({ v1: [target] }, { healthPath })
  const client = new RawClient(port).send(`POST ${healthPath} HTTP/1.1`, 'Host: a', 'Content-Length: 0', '', '')
  expect(await client.until(/POST$/)).toMatch(/^HTTP\/1\.1 200 /)
  client.send(`HEAD ${healthPath} HTTP/1.1`, 'Host: a', 'Connection: close', '', '')
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)*Content-Length: 19\r\n(.+\r\n)*\r\n$/i)
})

test('a binding that redirects answers the health path itself', async () => {
  const { target } = await startWorker((_, res) => void res.end())
  const { port } = await startGateway({ v1: [target] }, { binding: { redirect: 8443 }, healthPath })
  const answer = await new RawClient(port)
    .send(`GET ${healthPath} HTTP/1.0`, 'Connection: close', '', '') // as HAProxy asks
    .closed()
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
})
