import http from 'node:http'
import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { CserviceError } from '../../../src/common/errors.ts'
import { silentLog } from '../../../src/common/log.ts'
import { openRuntimeDirectory } from '../../../src/common/runtime-directory.ts'
import { sendCommand } from '../../../src/supervisor/control/client.ts'
import { ControlServer } from '../../../src/supervisor/control/control-server.ts'
import { command, deferred, freePort, registryOf, setEnvironment, temporaryDirectory } from './resources.ts'
import { watch } from './server.ts'

async function openGateway(accessKey?: string) {
  setEnvironment({ XDG_RUNTIME_DIR: temporaryDirectory() })
  const port = await freePort()
  const begun = deferred()
  const registry = registryOf(
    command('echo', async (args) => args),
    command('who', async (_, { caller }) => caller.level),
    command('fail', async () => {
      throw new CserviceError('WORKER_FAILED', 'v2 did not start', { details: { stderr: ['boom'] }, hint: 'Look.' })
    }),
    command('long', async (_, { report }) => {
      report('1 of 2')
      await new Promise(setImmediate)
      report('2 of 2')
      return 'done'
    }),
    command('forever', () => {
      begun.resolve()
      return new Promise(() => {})
    }),
  )
  const server = await ControlServer.open({
    registry,
    directory: openRuntimeDirectory(port),
    port,
    host: 'localhost',
    log: silentLog(),
    ...(accessKey === undefined ? {} : { accessKey }),
  })
  onTestFinished(() => server.kill())
  return { server, registry, address: { port, host: 'localhost' }, begun: begun.promise }
}

/** A program that is no gateway and keeps what it is sent. */
async function openForeign(listener: http.RequestListener | null) {
  setEnvironment({ XDG_RUNTIME_DIR: temporaryDirectory(), TMPDIR: temporaryDirectory() })
  const received: string[] = []
  const server = listener ? http.createServer(listener) : net.createServer()
  server.on('connection', (socket: net.Socket) => {
    onTestFinished(() => void socket.destroy())
    socket.on('data', (chunk) => received.push(chunk.toString('latin1')))
  })
  server.listen(0, 'localhost')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => void server.close())
  return { port: (server.address() as net.AddressInfo).port, received }
}

test('the control socket is tried first and needs no key', async () => {
  const { address } = await openGateway()
  expect(await sendCommand('echo 7 "a b" {"c":"}"}', address)).toEqual([7, 'a b', { c: '}' }])
  expect(await sendCommand('who', { ...address, accessKey: 'wrong' })).toBe('local')
})

test('without a socket, REST is asked with the key', async () => {
  const { address } = await openGateway('k€y')
  setEnvironment({ XDG_RUNTIME_DIR: temporaryDirectory() })
  expect(await sendCommand('echo ü', { ...address, accessKey: 'k€y' })).toEqual(['ü'])
  await expect(sendCommand('echo', { ...address, accessKey: 'other' })).rejects.toMatchObject({
    code: 'NOT_AUTHORISED',
    exitCode: 4,
  })
  await expect(sendCommand('echo', address)).rejects.toMatchObject({
    code: 'NOT_AUTHORISED',
    message: expect.stringContaining('wants an access key'),
  })
})

test('the error of a command arrives whole', async () => {
  const { address } = await openGateway()
  await expect(sendCommand('fail', address)).rejects.toMatchObject({
    code: 'WORKER_FAILED',
    message: 'v2 did not start',
    hint: 'Look.',
    details: { stderr: ['boom'] },
  })
})

test('nobody there is NO_GATEWAY', async () => {
  setEnvironment({ XDG_RUNTIME_DIR: temporaryDirectory(), TMPDIR: temporaryDirectory() })
  await expect(
    sendCommand('info', { port: await freePort(), host: 'localhost', accessKey: 'k' }),
  ).rejects.toMatchObject({ code: 'NO_GATEWAY', exitCode: 3 })
})

test.each<[string, http.RequestListener]>([
  ['answers 200 to everything', (_req, res) => void res.end('{"result":"OK"}')],
  ['is a gateway of another control port', (_req, res) => void res.end('{"service":"cservice","control":1}')],
  ['closes the connection', (req) => void req.socket.destroy()],
])('no key is sent to a listener that %s', async (_, listener) => {
  const { port, received } = await openForeign(listener)
  await expect(sendCommand('info', { port, host: 'localhost', accessKey: 'SECRET' })).rejects.toMatchObject({
    code: 'NO_GATEWAY',
    message: expect.stringContaining('not a gateway'),
  })
  expect(received.join('')).toContain('GET /cservice')
  expect(received.join('')).not.toContain('SECRET')
})

test('a listener that never answers is given up, and gets no key', async () => {
  const { port, received } = await openForeign(null)
  await expect(sendCommand('info', { port, host: 'localhost', accessKey: 'SECRET' })).rejects.toMatchObject({
    code: 'NO_GATEWAY',
  })
  expect(received.join('')).not.toContain('SECRET')
}, 10_000)

test('a wait for an answer can have an end', async () => {
  const { address } = await openGateway()
  await expect(sendCommand('forever', address, 100)).rejects.toMatchObject({ code: 'TIMED_OUT' })
})

test('a gateway that goes away in the middle of a command is not taken for none', async () => {
  const { address, server, begun } = await openGateway()
  const answer = sendCommand('forever', address)
  answer.catch(() => {})
  await begun
  server.kill()
  await expect(answer).rejects.toMatchObject({ code: 'GATEWAY_BROKE_OFF', exitCode: 1 })
})

test('progress of a command is told while it runs, its own only, with or without a key', async () => {
  const { address, registry } = await openGateway('k€y')
  const tell = async ({ environment }: { environment?: string } = {}) => {
    if (environment) setEnvironment({ XDG_RUNTIME_DIR: environment })
    const progress: string[] = []
    const onProgress = (text: string) => {
      progress.push(text)
      registry.events.record({ id: 'other', type: 'progress', command: 'long', words: [], caller: 'x', text: 'other' })
    }
    expect(await sendCommand('long', { ...address, accessKey: 'k€y' }, 0, { onProgress })).toBe('done')
    return progress
  }
  expect(await tell()).toEqual(['1 of 2', '2 of 2'])
  expect(await tell({ environment: temporaryDirectory() })).toEqual(['1 of 2', '2 of 2'])
})

test('a command goes on without progress when there are too many watchers, and a failing one is the error it is', async () => {
  const { address, server } = await openGateway()
  const onProgress = () => {
    throw new Error('of the caller')
  }
  expect(await sendCommand('long', address, 0, { onProgress })).toBe('done')
  await expect(sendCommand('fail', address, 0, { onProgress })).rejects.toMatchObject({ code: 'WORKER_FAILED' })
  const path = `${openRuntimeDirectory(address.port)}/control.sock`
  await Promise.all(Array.from({ length: 16 }, () => watch(path)))
  expect(await sendCommand('long', address, 0, { onProgress })).toBe('done')
  await server.stop()
  await expect(sendCommand('long', address, 0, { onProgress })).rejects.toMatchObject({ code: 'NO_GATEWAY' })
})

test('a gateway of an earlier version, which has no events, runs the command all the same', async () => {
  const { address } = await openGateway()
  const older = http.createServer((req, res) => {
    if (req.url === '/events') {
      res.writeHead(404).end('Page Not Found')
      return
    }
    const identity = { service: 'cservice', control: address.port }
    res.end(JSON.stringify(req.url === '/cservice' ? identity : { result: 'older' }))
  })
  setEnvironment({ XDG_RUNTIME_DIR: temporaryDirectory(), TMPDIR: temporaryDirectory() })
  older.listen(address.port, 'localhost')
  await new Promise((resolve) => older.once('listening', resolve))
  onTestFinished(() => void older.close())
  const onProgress = () => {}
  expect(await sendCommand('long', { ...address, accessKey: 'k' }, 0, { onProgress })).toBe('older')
})
