import { describe, expect, test } from 'vitest'
import { get, RawClient, startGateway, startRawWorker } from '../harness.ts'
import { attacks, head, length, smuggled } from './attacks.ts'
import { startRecordingWorker } from './recording-worker.ts'

const ok = (text: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`

/** Sends the bytes, and then an honest request on a connection of its own: which must be the only other one seen. */
async function attack(bytes: string, lanes: 'both' | 'general' = 'both'): Promise<{ lines: string[]; answer: string }> {
  const worker = await startRecordingWorker(({ line }) => ok(line))
  const gateway = await startGateway({ v1: [worker.target] }, { headTimeout: 300, bodyTimeout: 300 }, lanes)
  const attacker = new RawClient(gateway.port)
  attacker.socket.write(bytes, 'latin1')
  // Behind it comes what closes the connection, one way or another.
  attacker.socket.write(`${get('/last', 'Connection: close')}${'\x01'.repeat(200)}`, 'latin1')
  await attacker.until(/HTTP\/1\.1 \d{3}/)
  for (let index = 0; index < 3; index++) {
    const honest = new RawClient(gateway.port).send(get('/honest', 'Connection: close'))
    expect(await honest.closed()).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nGET \/honest HTTP\/1\.1$/s)
  }
  expect(worker.faults).toEqual([])
  return { lines: worker.requests.map(({ line }) => line), answer: attacker.text }
}

describe.each(['both', 'general'] as const)('lanes: %s', (lanes) => {
  test.each(attacks)('%s: what a worker sees is what the gateway saw, and nothing more', async (_name, bytes) => {
    const { lines } = await attack(bytes, lanes)
    expect(lines.filter((line) => line.includes('smuggled'))).toEqual([])
    expect(lines.filter((line) => line.includes('honest')).length).toBe(3)
  })

  test('a framing field with an underscore in its name, which some workers take for the real one, is not passed on', async () => {
    const worker = await startRecordingWorker(({ fields }) => ok(fields.join()))
    const gateway = await startGateway({ v1: [worker.target] }, {}, lanes)
    const fields = ['Content_Length: 5', 'transfer_encoding: chunked', 'X_Other: kept', 'Connection: close']
    const answer = await new RawClient(gateway.port).send(get('/', ...fields)).closed()
    expect(answer).toContain('x_other: kept')
    expect(answer).not.toMatch(/content_length|transfer_encoding/)
  })
})

test.each([
  ['a body of known length', head(length) + smuggled],
  [
    'a chunked body',
    `${head('Transfer-Encoding: chunked')}${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
  ],
  [
    'a chunked body with extensions and trailers',
    head('Transfer-Encoding: chunked') + `${smuggled.length.toString(16)};a="\r"\r\n`.replace('\r"', '"'),
  ],
])('%s that looks like a request is a body', async (_name, bytes) => {
  const whole = bytes.includes(';a=') ? `${bytes}${smuggled}\r\n0\r\nX-A: b\r\n\r\n` : bytes
  const { lines } = await attack(whole)
  expect(lines).toEqual(['POST /attack HTTP/1.1', 'GET /last HTTP/1.1', ...Array(3).fill('GET /honest HTTP/1.1')])
})

test('an absolute target that disagrees with Host is answered for one of the two, the same for the worker', async () => {
  const { lines } = await attack('GET http://evil/attack HTTP/1.1\r\nHost: h\r\n\r\n')
  expect(lines[0]).toBe('GET /attack HTTP/1.1')
})

/** A worker whose first answer is given; all later ones are honest. */
async function afterAnswer(first: string): Promise<{ victim: string; attacker: string }> {
  let answers = 0
  const worker = await startRawWorker((socket) => {
    socket.on('data', (chunk) => {
      const path = /^GET (\S+)/.exec(String(chunk))?.[1] ?? ''
      socket.write(answers++ === 0 ? first : ok(`for ${path}`), 'latin1')
    })
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const attacker = new RawClient(gateway.port).send(get('/attacker'))
  await attacker.until(/^HTTP\/1\.1 \d{3} .*\r\n\r\n/s)
  const victims = await Promise.all(
    [1, 2, 3].map(async () => {
      const victim = new RawClient(gateway.port).send(get('/victim', 'Connection: close'))
      return victim.closed()
    }),
  )
  for (const victim of victims) expect(victim).toMatch(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)*\r\nfor \/victim$/)
  attacker.socket.destroy()
  return { victim: victims[0] ?? '', attacker: attacker.text }
}

const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'

test.each([
  ['bytes behind the end', `${ok('mine')}${evil}`],
  ['bytes behind an answer without a body', `HTTP/1.1 204 No\r\n\r\n${evil}`],
  ['a body with a 304', `HTTP/1.1 304 Same\r\nContent-Length: ${evil.length}\r\n\r\n${evil}`],
  ['both framings', `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${evil}`],
  ['two lengths', `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: ${evil.length}\r\n\r\n${evil}`],
  ['an unknown coding', `HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\nContent-Length: 0\r\n\r\n${evil}`],
  ['a bare LF', `HTTP/1.1 200 OK\nContent-Length: 0\n\n${evil}`],
  ['bytes behind the last chunk', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${evil}`],
  ['a broken chunk', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n${evil}`],
  ['a 101 that nobody asked for', `HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n${evil}`],
])("an answer with %s never becomes part of another client's", async (_name, first) => {
  expect((await afterAnswer(first)).attacker).not.toContain('evil')
})

test('an answer that comes unasked, on an idle connection, reaches nobody', async () => {
  let connections = 0
  const worker = await startRawWorker((socket) => {
    const index = connections++
    socket.on('data', () => {
      socket.write(ok('asked'))
      if (index === 0) setTimeout(() => socket.write(evil), 20)
    })
  })
  const gateway = await startGateway({ v1: [worker.target] })
  await new RawClient(gateway.port).send(get()).until(/asked$/)
  await new Promise((resolve) => setTimeout(resolve, 60))
  await new RawClient(gateway.port).send(get()).until(/asked$/)
  expect(connections).toBe(2)
})

test.each(['both', 'general'] as const)(
  'lanes %s: a worker that answers early, and takes the body for a request, gets no other request on that connection',
  async (lanes) => {
    const streams: string[] = []
    const worker = await startRawWorker((socket) => {
      const index = streams.push('') - 1
      socket.on('data', (chunk) => {
        streams[index] += String(chunk)
        const path = /^[A-Z]+ (\S+)/.exec(String(chunk))?.[1]
        if (path !== undefined) socket.write(ok(`for ${path}`))
      })
    })
    const gateway = await startGateway({ v1: [worker.target] }, {}, lanes)
    const client = new RawClient(gateway.port)
    client.socket.write(head(length))
    await client.until(/for \/attack$/)
    await new RawClient(gateway.port).send(get('/other')).until(/for \/other$/)
    client.socket.write(`${smuggled}${get('/next')}`)
    expect(await client.until(/for \S+$/)).toMatch(/for \/next$/)
    expect(streams[0]).toMatch(/^POST [\s\S]*\/smuggled HTTP\/1.1\r\nHost: h\r\n\r\n$/)
    expect(streams.slice(1).join('')).not.toContain('smuggled')
  },
)

test('a flood of 1xx answers is held back by a client that does not read, and does not fill our memory', async () => {
  let written = 0
  const hint = `HTTP/1.1 103 Early Hints\r\nLink: <${'x'.repeat(1_000)}>\r\n\r\n`.repeat(50)
  const worker = await startRawWorker((socket) => {
    socket.once('data', () => {
      const pump = (): void => {
        while (written < 30_000_000) {
          written += hint.length
          if (!socket.write(hint)) return void socket.once('drain', pump)
        }
        socket.write(ok('over'))
      }
      pump()
    })
  })
  const gateway = await startGateway({ v1: [worker.target] })
  const client = new RawClient(gateway.port)
  client.socket.pause()
  client.send(get())
  let before = -1
  while (written === 0 || written !== before) {
    before = written
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  expect(written).toBeLessThan(29_000_000)
  client.socket.on('data', () => {
    client.text = client.text.slice(-200)
  })
  client.socket.resume()
  await client.until(/over$/)
})

test.each([
  ['both', 'HEAD', '200 OK'],
  ['general', 'HEAD', '200 OK'],
  ['both', 'GET', '304 Same'],
  ['general', 'GET', '304 Same'],
] as const)(
  'lanes %s: a body behind the answer to %s with %s, however late, is no answer to somebody else',
  async (lanes, method, status) => {
    const worker = await startRawWorker((socket) => {
      let owed = ''
      socket.on('data', (chunk) => {
        const [, path] = /^[A-Z]+ (\S+)/.exec(String(chunk)) ?? []
        if (path !== '/attack') return void socket.write(`${owed}${ok(`for ${path}`)}`)
        owed = evil
        socket.write(`HTTP/1.1 ${status}\r\nContent-Length: ${evil.length}\r\n\r\n`)
      })
    })
    const gateway = await startGateway({ v1: [worker.target] }, {}, lanes)
    const attacker = new RawClient(gateway.port).send(`${method} /attack HTTP/1.1\r\nHost: h\r\n\r\n`)
    await attacker.until(/\r\n\r\n/)
    const victim = new RawClient(gateway.port).send(get('/victim'))
    expect(await victim.until(/for \/victim$/)).not.toContain('evil')
  },
)
