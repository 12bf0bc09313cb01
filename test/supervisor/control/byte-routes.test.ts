import http from 'node:http'
import net from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { CserviceError } from '../../../src/common/errors.ts'
import { silentLog } from '../../../src/common/log.ts'
import { ByteAnswer } from '../../../src/supervisor/control/byte-answer.ts'
import { sendBytes } from '../../../src/supervisor/control/client.ts'
import { receiveBytes } from '../../../src/supervisor/control/client-download.ts'
import type { Command } from '../../../src/supervisor/control/command.ts'
import { ControlServer } from '../../../src/supervisor/control/control-server.ts'
import { request } from './request.ts'
import { command, deferred, freePort, registryOf, temporaryDirectory } from './resources.ts'

/** A server with a command `store` that counts bytes, and gives as many as it is asked for. */
async function openServer() {
  const taken = deferred()
  const store: Command = {
    ...command('store', async () => null, { level: 'local' }),
    routes: [
      { method: 'POST', path: '/store', toWords: (query) => ['put', query.get('limit') ?? ''] },
      {
        method: 'GET',
        path: '/fetch',
        toWords: (query) => ['get', query.get('bytes') ?? '', query.get('breaks') ?? ''],
      },
    ],
    async run(_args, { words, body }) {
      const [action, number, breaks] = words
      if (action === 'get')
        return new ByteAnswer('x.bin', 'application/octet-stream', made(Number(number), breaks === '1'))
      let count = 0
      for await (const chunk of body ?? []) {
        count += chunk.length
        if (number !== '' && count > Number(number)) throw new CserviceError('BODY_TOO_LARGE', 'enough')
      }
      taken.resolve()
      return { count, hasBody: body !== undefined }
    },
  }
  const port = await freePort()
  const registry = registryOf(
    store,
    command('health', async () => 'OK'),
  )
  const options = { registry, directory: temporaryDirectory(), port, host: '127.0.0.1', log: silentLog() }
  const server = await ControlServer.open({ ...options, accessKey: 'KEY;OTHER[health]' })
  onTestFinished(() => server.kill())
  return { port, address: { host: '127.0.0.1', port, accessKey: 'KEY' }, taken: taken.promise }
}

async function* made(count: number, breaks: boolean): AsyncGenerator<Uint8Array> {
  for (let left = count; left > 0; left -= 1_000) yield Buffer.alloc(Math.min(left, 1_000), 'y')
  if (breaks) throw new Error('the disk has failed')
}

const send = (bytes: Buffer, query = '', size: number | null = bytes.length) => ({
  path: `/store${query}`,
  size,
  open: () => Readable.from([bytes], { objectMode: false }),
})

test.each([
  ['with its length', 5_000_000],
  ['in chunks', null],
])('bytes go to the command %s, beyond what a command line may have', async (_, size) => {
  const { address } = await openServer()
  expect(await sendBytes(send(Buffer.alloc(5_000_000), '', size), address)).toEqual({ count: 5_000_000, hasBody: true })
})

test('a command that has enough is answered at once, though the client would send more', async () => {
  const { address } = await openServer()
  let sent = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      sent += 100_000
      yield Buffer.alloc(100_000)
    }
  }
  const open = () => Readable.from(endless(), { objectMode: false })
  await expect(sendBytes({ path: '/store?limit=1000000', size: null, open }, address)).rejects.toThrow('enough')
  expect(sent).toBeLessThan(100_000_000)
})

test('who may not run it sends nothing', async () => {
  const { address } = await openServer()
  let isAsked = false
  const open = () => {
    isAsked = true
    return Readable.from([])
  }
  const never = { path: '/store', size: null, open }
  await expect(sendBytes(never, { ...address, accessKey: 'OTHER' })).rejects.toMatchObject({ code: 'NOT_AUTHORISED' })
  await expect(sendBytes(never, { ...address, accessKey: 'x' })).rejects.toMatchObject({ code: 'NOT_AUTHORISED' })
  expect(isAsked).toBe(false)
})

test('a source that fails is the reason that the client gets, and the command does not take the part for the whole', async () => {
  const { address, taken } = await openServer()
  let isTaken = false
  void taken.then(() => {
    isTaken = true
  })
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(100_000)
    throw new CserviceError('BAD_USAGE', 'the file is gone')
  }
  const open = () => Readable.from(broken(), { objectMode: false })
  await expect(sendBytes({ path: '/store', size: null, open }, address)).rejects.toThrow('the file is gone')
  expect(await request(address.port, { path: '/cli?accessKey=KEY&cmd=health' })).toMatchObject({ text: '"OK"' })
  expect(isTaken).toBe(false)
})

test('curl, with the key in the query and no word before the body', async () => {
  const { port } = await openServer()
  const answer = await request(port, { path: '/store?accessKey=KEY', method: 'POST' }, 'x'.repeat(2_000_000))
  expect([answer.status, answer.text]).toEqual([200, '{"count":2000000,"hasBody":true}'])
  expect((await request(port, { path: '/store?accessKey=KEY', method: 'GET' })).status).toBe(405)
  expect((await request(port, { path: '/other?accessKey=KEY', method: 'POST' })).status).toBe(404)
})

test('a client that has gone in the middle does not count as one that has sent all', async () => {
  const { port, taken } = await openServer()
  const socket = net.connect(port, '127.0.0.1')
  socket.write('POST /store?accessKey=KEY HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n12345', () =>
    socket.destroy(),
  )
  await new Promise((resolve) => socket.once('close', resolve))
  const agent = new http.Agent()
  expect(await request(port, { path: '/cli?accessKey=KEY&cmd=health', agent })).toMatchObject({ text: '"OK"' })
  const first = await Promise.race([taken.then(() => 'taken'), Promise.resolve('not taken')])
  expect(first).toBe('not taken')
})

test('bytes that a command answers come whole, or visibly not', async () => {
  const { address, port } = await openServer()
  expect((await buffer(await receiveBytes('/fetch?bytes=3000000', address))).length).toBe(3_000_000)
  const broken = receiveBytes('/fetch?bytes=3000000&breaks=1', address).then((bytes) => buffer(bytes))
  await expect(broken).rejects.toMatchObject({ code: 'GATEWAY_BROKE_OFF' })
  await expect(receiveBytes('/fetch?bytes=1', { ...address, accessKey: 'OTHER' })).rejects.toThrow(/Not authorized/)
  const typed = await request(port, { path: '/cli?accessKey=KEY&cmd=store+get+10' })
  expect([typed.status, typed.text]).toEqual([400, expect.stringContaining('no JSON')])
})
