import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import type { FromProcess, ToProcess } from '../../../src/common/channel-protocol.ts'
import type { DataplaneSettings } from '../../../src/proxy/messages.ts'
import { ask, defaultSettings, get, RawClient, startWorker, tableOf, type Versions } from './harness.ts'

const program = join(import.meta.dirname, '../../../dist/proxy/dataplane/main.js')

/** A real proxy process, with a real channel and an inherited listening socket. */
async function spawnGateway(
  versions: Versions,
  settings: Partial<DataplaneSettings> = {},
  { fd = true, env = {} } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-process-'))
  const path = join(folder, 'channel')
  const received: FromProcess[] = []
  let socket: Socket | null = null
  const events = new Set<() => void>()
  const channel = createServer((connection) => {
    socket = connection
    createInterface({ input: connection }).on('line', (line) => {
      received.push(JSON.parse(line) as FromProcess)
      for (const event of events) event()
    })
    connection.on('error', () => {})
    tell({ type: 'message', body: { type: 'configure', settings: { ...defaultSettings, ...settings } } })
    tell({ type: 'message', body: { type: 'routes', table: tableOf(versions, Object.keys(versions)[0] ?? null, 1) } })
  })
  const tell = (message: ToProcess): void => void socket?.write(`${JSON.stringify(message)}\n`)
  await new Promise<void>((resolve) => channel.listen(path, resolve))
  const { listener, port } = await openPort()
  const handle = (listener as unknown as { _handle: { fd: number } })._handle
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...env, CSERVICE_CHANNEL: `${path}#p1` },
    stdio: ['ignore', 'pipe', 'pipe', fd ? handle.fd : 'ignore'],
  })
  const output = { stderr: '' }
  child.stderr?.on('data', (chunk) => {
    output.stderr += chunk
  })
  const exited = new Promise<number | string | null>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal)),
  )
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
    socket?.destroy()
    channel.close()
    rmSync(folder, { recursive: true })
  })
  const until = async (type: FromProcess['type']): Promise<void> => {
    while (!received.some((message) => message.type === type)) {
      await new Promise<void>((resolve) => {
        const event = (): void => {
          events.delete(event)
          resolve()
        }
        events.add(event)
      })
    }
  }
  /** From here on only the child accepts. */
  const ready = async (): Promise<void> => {
    await until('ready')
    listener.close()
  }
  return {
    child,
    port,
    received,
    tell,
    until,
    ready,
    exited,
    output,
    breakChannel: () => {
      channel.close()
      socket?.destroy()
    },
  }
}

async function openPort(): Promise<{ listener: Server; port: number }> {
  const listener = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  return { listener, port: (listener.address() as AddressInfo).port }
}

test('the program listens on the inherited descriptor once it has settings and routes, and acknowledges first', async () => {
  const worker = await startWorker((_req, res) => res.end('hello'))
  const gateway = await spawnGateway({ v1: [worker.target] })
  await gateway.ready()
  expect(gateway.received[0]).toMatchObject({ type: 'hello', id: 'p1', pid: gateway.child.pid })
  expect(gateway.received.map(({ type }) => type).indexOf('ready')).toBeGreaterThan(
    gateway.received.findIndex((message) => message.type === 'message' && JSON.stringify(message.body).includes('ack')),
  )
  expect((await ask(gateway.port)).body).toBe('hello')
  gateway.tell({ type: 'stop' })
  expect(await gateway.exited).toBe(0)
  expect(gateway.output.stderr).toBe('')
})

test('a Node that is told to read HTTP leniently does so on neither side of the gateway', async () => {
  const bodies: string[] = []
  const worker = await startWorker((req, res) => {
    req.on('data', (chunk) => bodies.push(String(chunk)))
    if (req.url === '/odd')
      req.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')
    else req.on('end', () => res.end('served'))
  })
  const gateway = await spawnGateway({ v1: [worker.target] }, {}, { env: { NODE_OPTIONS: '--insecure-http-parser' } })
  await gateway.ready()
  const both = ['Content-Length: 5', 'Transfer-Encoding: chunked']
  for (const head of [both, ['X-A: b\0'], ['X-A: b', ' folded'], ['X-A : b']]) {
    const client = new RawClient(gateway.port).send('POST / HTTP/1.1', 'Host: example.test', ...head, '', '0\r\n\r\n')
    expect(await client.until(/"code":"\w+"/)).toMatch(/^HTTP\/1\.1 400 .*BAD_REQUEST/s)
  }
  expect(bodies).toEqual([])
  expect((await ask(gateway.port, '/odd')).status).toBe(502)
  expect((await ask(gateway.port)).body).toBe('served')
})

test('SIGTERM drains, SIGINT alone does nothing', async () => {
  let finish = (): void => {}
  let begun = (): void => {}
  const hasBegun = new Promise<void>((resolve) => (begun = resolve))
  const worker = await startWorker((_req, res) => {
    finish = () => res.end('done')
    begun()
  })
  const gateway = await spawnGateway({ v1: [worker.target] })
  await gateway.ready()
  const client = new RawClient(gateway.port).send(get())
  await hasBegun
  gateway.child.kill('SIGINT')
  gateway.child.kill('SIGTERM')
  while (await isOpen(gateway.port)) {}
  finish()
  expect(await client.until(/done$/)).toMatch(/^HTTP\/1.1 200 .*Connection: close/s)
  expect(await gateway.exited).toBe(0)
})

test('without its supervisor, and with broken pipes, it goes on serving', async () => {
  const worker = await startWorker((_req, res) => res.end('still here'))
  const gateway = await spawnGateway({ v1: [worker.target] })
  await gateway.ready()
  gateway.breakChannel()
  gateway.child.stdout?.destroy()
  gateway.child.stderr?.destroy()
  for (let index = 0; index < 5; index++) expect((await ask(gateway.port)).body).toBe('still here')
  expect(gateway.child.exitCode).toBe(null)
})

test('if it cannot listen it says so in one line and exits 1', async () => {
  const gateway = await spawnGateway(
    { v1: [] },
    { binding: { port: 8123, tls: null, redirect: null, proxyProtocol: false, http2: false } },
    { fd: false },
  )
  expect(await gateway.exited).toBe(1)
  expect(gateway.output.stderr).toMatch(/^cannot listen on port 8123: .+\n$/)
})

test('no warning about deprecated parts of dependencies is printed', () => {
  const carrier = JSON.stringify(program.replace('main.js', 'http-proxy-carrier.js'))
  const script = `
    const { HttpProxyCarrier } = await import(${carrier})
    new HttpProxyCarrier()
    const { default: util } = await import('node:util')
    util._extend({}, {})
    process.emitWarning('another', 'DeprecationWarning', 'DEP9999')`
  const run = spawnSync(process.execPath, ['--pending-deprecation', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  expect(run.stderr).toContain('DEP9999')
  expect(run.stderr).not.toContain('DEP0060')
})

const canReadPeak = existsSync('/proc/self/status')

test.runIf(canReadPeak)('256 MiB down and up leave its memory flat', { timeout: 60_000 }, async () => {
  const worker = await startWorker((req, res) => {
    if (req.method === 'POST') {
      req.resume().on('end', () => res.end('got it'))
      return
    }
    let left = 256
    const chunk = Buffer.alloc(1024 * 1024, 'x')
    const write = (): void => {
      while (left-- > 0) {
        if (res.write(chunk)) continue
        res.once('drain', write)
        return
      }
      res.end()
    }
    write()
  })
  const gateway = await spawnGateway({ v1: [worker.target] })
  await gateway.ready()
  await ask(gateway.port, '/', { method: 'POST', body: 'warm' })
  const before = peak(gateway.child)
  let size = 0
  for await (const chunk of (await fetch(`http://127.0.0.1:${gateway.port}/`)).body ?? []) size += chunk.length
  expect(size).toBe(256 * 1024 * 1024)
  const client = new RawClient(gateway.port).send('POST / HTTP/1.1', 'Host: h', `Content-Length: ${size}`, '', '')
  const chunk = Buffer.alloc(1024 * 1024)
  for (; size > 0; size -= chunk.length) {
    if (!client.socket.write(chunk)) await new Promise((resolve) => client.socket.once('drain', resolve))
  }
  await client.until(/got it/)
  expect(peak(gateway.child) - before).toBeLessThan(100 * 1024)
})

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', (hadError) => resolve(!hadError))
  })
}

/** The most memory that the process has had resident, in KiB. */
function peak({ pid }: ChildProcess): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}
