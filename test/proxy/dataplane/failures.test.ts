import { expect, test } from 'vitest'
import { ask, deadTarget, eventually, get, RawClient, startGateway, startRawWorker, startWorker } from './harness.ts'

test('a target that refuses the connection is ejected, and another one answers, whatever the method', async () => {
  const worker = await startWorker((req, res) => req.pipe(res))
  const dead = await deadTarget()
  const gateway = await startGateway({ v1: [dead, worker.target] })
  for (let index = 0; index < 10; index++) {
    const answer = await ask(gateway.port, '/', { method: 'POST', body: `body ${index}` })
    expect(answer).toMatchObject({ status: 200, body: `body ${index}` })
  }
  expect(gateway.channel.bodiesOf('ejected').map(({ target }) => target)).toEqual([dead.id])
})

test('a request for a version whose only worker was just killed waits for the next worker', async () => {
  const dead = await deadTarget()
  const gateway = await startGateway({ v1: [dead] })
  const answer = ask(gateway.port, '/', { method: 'POST', body: 'kept' })
  await gateway.channel.until(() => gateway.channel.bodiesOf('ejected')[0])
  const worker = await startWorker((req, res) => req.pipe(res))
  gateway.route({ v1: [worker.target] })
  expect(await answer).toMatchObject({ status: 200, body: 'kept' })
})

test('a request for a version none of whose targets can be connected is answered 502 in the end', async () => {
  const gateway = await startGateway({ v1: [await deadTarget(), await deadTarget()] }, { gateTimeout: 150 })
  const answer = await ask(gateway.port)
  expect(answer.status).toBe(502)
  expect(JSON.parse(answer.body)).toMatchObject({ status: 502, code: 'TARGET_UNREACHABLE' })
})

test('a GET whose worker breaks off is sent to another worker once', async () => {
  let broken = 0
  const faulty = await startRawWorker((socket) => socket.once('data', () => ++broken && socket.resetAndDestroy()))
  const sound = await startWorker((_req, res) => res.end('sound'))
  const gateway = await startGateway({ v1: [faulty.target, sound.target] })
  expect(await ask(gateway.port)).toMatchObject({ status: 200, body: 'sound' })
  expect(broken).toBe(1)
  expect(gateway.channel.bodiesOf('ejected')).toMatchObject([{ target: faulty.target.id }])
})

test('a GET is sent twice at most', async () => {
  let heads = 0
  const faulty = await startRawWorker((socket) => socket.once('data', () => ++heads && socket.destroy()))
  const gateway = await startGateway({ v1: [faulty.target] })
  const answer = await ask(gateway.port)
  expect(JSON.parse(answer.body)).toMatchObject({ status: 502, code: 'TARGET_BROKE_OFF' })
  expect(heads).toBe(2)
})

test('a GET whose only worker was killed under it is sent to the successor, not to the dying one again', async () => {
  let heads = 0
  const dying = await startRawWorker((socket) => socket.once('data', () => ++heads && socket.destroy()))
  const gateway = await startGateway({ v1: [dying.target] })
  const answer = ask(gateway.port)
  await eventually(() => heads === 1)
  const successor = await startWorker((_req, res) => res.end('successor'))
  gateway.route({ v1: [successor.target] })
  expect(await answer).toMatchObject({ status: 200, body: 'successor' })
  expect(heads).toBe(1)
})

test('a POST, or a PUT with a body, that may have been carried out is not sent again', async () => {
  let heads = 0
  const faulty = () => startRawWorker((socket) => socket.once('data', () => ++heads && socket.destroy()))
  const gateway = await startGateway({ v1: [(await faulty()).target, (await faulty()).target] })
  for (const init of [{ method: 'POST' }, { method: 'POST', body: 'x' }, { method: 'PUT', body: 'x' }]) {
    heads = 0
    const answer = await ask(gateway.port, '/', init)
    expect(JSON.parse(answer.body)).toMatchObject({ status: 502, code: 'TARGET_BROKE_OFF' })
    expect(heads).toBe(1)
  }
})

test('a GET that meets a kept connection which the worker has closed is sent again on a new one', async () => {
  let connections = 0
  const worker = await startRawWorker((socket) => {
    connections++
    let requests = 0
    socket.on('data', () => {
      requests++
      if (requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      else socket.resetAndDestroy()
    })
  })
  const gateway = await startGateway({ v1: [worker.target] })
  for (let index = 0; index < 5; index++) expect(await ask(gateway.port)).toMatchObject({ status: 200, body: 'ok' })
  expect(connections).toBe(5)
  expect(gateway.channel.bodiesOf('ejected')).toEqual([])
})

test('when a client leaves, its request to the worker ends at once', async () => {
  const gone: string[] = []
  const worker = await startWorker((req, res) => {
    res.on('close', () => gone.push(`${req.method} ${res.writableFinished}`))
    if (req.url === '/begun') res.write('x')
    req.resume()
  })
  const gateway = await startGateway({ v1: [worker.target] })
  let seen = 0
  ;(worker.server as import('node:http').Server).on('request', () => seen++)
  const requests = [
    get('/silent'),
    get('/begun'),
    'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf',
    'DELETE / HTTP/1.1\r\nHost: h\r\n\r\n',
  ]
  const clients = requests.map((request) => new RawClient(gateway.port).send(request))
  await eventually(() => seen === requests.length)
  for (const client of clients) client.socket.destroy()
  await eventually(() => gone.length === requests.length)
  expect(gone.sort()).toEqual(['DELETE false', 'GET false', 'GET false', 'POST false'])
})

test('when a worker dies in the middle of its answer, the client is reset: no hang, no clean end', async () => {
  for (const framing of ['Content-Length: 10', 'Transfer-Encoding: chunked']) {
    const body = framing.startsWith('C') ? 'half' : '4\r\nhalf\r\n'
    const worker = await startRawWorker((socket) =>
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${body}`)),
    )
    const gateway = await startGateway({ v1: [worker.target] })
    for (const version of ['1.1', '1.0']) {
      const client = new RawClient(gateway.port).send(`GET / HTTP/${version}`, 'Host: h', '', '')
      await client.until(/half/)
    }
    const clients = ['1.1', '1.0'].map((version) =>
      new RawClient(gateway.port).send(`GET / HTTP/${version}`, 'Host: h', '', ''),
    )
    for (const client of clients) await client.until(/half/)
    await worker.kill()
    for (const client of clients) {
      await client.closed()
      expect(client.error?.code).toBe('ECONNRESET')
    }
  }
})

test.each(['SSH-2.0-x\r\n\r\n', 'HTTP/1.1 099 Low\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n'])(
  'the answer %j is no HTTP, and is answered 502',
  async (text) => {
    const worker = await startRawWorker((socket) => socket.once('data', () => socket.write(text)))
    const gateway = await startGateway({ v1: [worker.target] })
    expect(JSON.parse((await ask(gateway.port)).body)).toMatchObject({ status: 502, code: 'TARGET_BAD_ANSWER' })
  },
)

test('a target that stays silent is answered 504, and its connection is closed', async () => {
  let closed = 0
  const worker = await startRawWorker((socket) => socket.resume().on('close', () => closed++))
  const gateway = await startGateway({ v1: [worker.target] }, { answerTimeout: 100 })
  expect(JSON.parse((await ask(gateway.port)).body)).toMatchObject({ status: 504, code: 'TARGET_SILENT' })
  expect(JSON.parse((await ask(gateway.port, '/', { method: 'POST', body: 'x' })).body)).toMatchObject({ status: 504 })
  await eventually(() => closed === 2)
})

test('a client that takes its time with an upload is not cut off as if the worker were silent', async () => {
  const worker = await startWorker((req, res) => req.resume().on('end', () => res.end('all')))
  const gateway = await startGateway({ v1: [worker.target] }, { answerTimeout: 50, headTimeout: 100 })
  const client = new RawClient(gateway.port).send('POST / HTTP/1.1', 'Host: h', 'Content-Length: 8', '', '')
  for (let index = 0; index < 8; index++) {
    await new Promise((resolve) => setTimeout(resolve, 60))
    client.send('x')
  }
  expect(await client.until(/all/)).toMatch(/^HTTP\/1.1 200/)
})

test('targets that left the table are released when their last request has ended', async () => {
  let finish = (): void => {}
  const old = await startWorker((_req, res) => {
    finish = () => res.end('old')
  })
  const idle = await startWorker((_req, res) => res.end('idle'))
  const next = await startWorker((_req, res) => res.end('next'))
  const gateway = await startGateway({ v1: [old.target], v2: [idle.target] })
  await ask(gateway.port, '/', { headers: { 'x-version': 'v2' } })
  const answer = ask(gateway.port)
  await eventually(() => finish.length === 0 && old.connections() === 1)
  await new Promise((resolve) => (old.server as import('node:http').Server).getConnections(resolve))
  gateway.route({ v1: [next.target] })
  const { channel } = gateway
  expect(channel.bodiesOf('ack').at(-1)).toEqual({ type: 'ack', epoch: 2 })
  expect(channel.bodiesOf('released')).toEqual([{ type: 'released', targets: [idle.target.id] }])
  const kinds = channel.bodies().map(({ type }) => type)
  expect(kinds.lastIndexOf('ack')).toBeLessThan(kinds.indexOf('released'))
  expect((await ask(gateway.port)).body).toBe('next')
  await eventually(() => {
    finish()
    return channel.bodiesOf('released').length === 2
  })
  expect((await answer).body).toBe('old')
  expect(channel.bodiesOf('released').at(-1)).toEqual({ type: 'released', targets: [old.target.id] })
})

test('idle connections to a released target are closed at once, not when their time is over', async () => {
  const closed: string[] = []
  const start = async (name: string) => {
    const worker = await startWorker((_req, res) => res.end(name))
    worker.server.on('connection', (socket) => socket.on('close', () => closed.push(name)))
    return worker
  }
  const kept = await start('kept')
  const released = await start('released')
  const gateway = await startGateway({ v1: [kept.target], v2: [released.target] })
  await ask(gateway.port)
  await ask(gateway.port, '/', { headers: { 'x-version': 'v2' } })
  gateway.route({ v1: [kept.target] })
  await eventually(() => closed.length === 2)
  expect(closed).toEqual(['released', 'kept'])
})
