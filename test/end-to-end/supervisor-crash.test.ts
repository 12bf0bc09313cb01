import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { runtimeDirectoryPath } from '../../src/common/runtime-directory.ts'
import { eventually } from '../support/eventually.ts'
import { isPortFree } from '../support/free-ports.ts'
import { startLoad } from '../support/load-generator.ts'
import { ask, proxyInfo } from '../support/proxy-info.ts'
import { type Gateway, startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

describe('a supervisor that is killed', () => {
  it('leaves proxy processes and workers that go on serving, and end by themselves after 10 s, with every port free', async () => {
    const [node, others] = await Promise.all([gatewayOfNodeWorkers(), gatewayOfOtherWorkers()])
    const load = startLoad({ url: node.url, connections: 10 })
    await load.more(50)
    const ports = await Promise.all([node, others].map(portsOf))
    const killedAt = performance.now()
    for (const gateway of [node, others]) gateway.kill('SIGKILL')
    await Promise.all([node, others].map((gateway) => gateway.exited()))
    await delay(7_000)
    const { failures, answers } = await load.stop()
    expect(failures).toEqual([])
    expect(answers.at(-1)?.startedAt).toBeGreaterThan(killedAt + 6_000)
    for (const gateway of [node, others]) {
      expect((await gateway.fetch('/')).headers.get('x-worker-version')).toBe('v1')
      expect((await gateway.fetch('/', { version: 'v2' })).status).toBe(200)
    }
    expect(performance.now() - killedAt).toBeLessThan(10_000)
    await Promise.all([node, others].map((gateway) => gateway.untilGone()))
    expect(performance.now() - killedAt).toBeLessThan(18_000)
    for (const port of ports.flat()) expect(await isPortFree(port)).toBe(true)
  })

  // The workers of both kinds at once: what a killed supervisor leaves takes 10 s to end.
  it('is not missed by workers in Node and in Python that write to their logs at every request', async () => {
    const survive = async (language: string, workerFilename: string, text: string) => {
      const gateway = await startGateway(await versionFolder({ v1: { text } }, { workerFilename }))
      const answer = async () => (await (await gateway.fetch('/')).json()) as { pid: number }
      const before = await answer()
      gateway.kill('SIGKILL')
      const during = await Promise.all(Array.from({ length: 4 }, answer))
      await gateway.exited()
      for (let round = 0; round < 20; round++) during.push(...(await Promise.all([answer(), answer()])))
      expect(new Set(during.map(({ pid }) => pid)), language).toEqual(new Set([before.pid]))
    }
    await Promise.all([survive('Node', 'worker.js', chattyNode), survive('Python', 'worker', chattyPython)])
  })

  it.each([
    ['Node', 'http', 'worker.js'],
    ['Python', 'python', 'worker'],
  ] as const)(
    'makes room at once for the next one that cannot know of its processes, with workers in %s',
    async (_name, worker, workerFilename) => {
      const folder = await versionFolder({ v1: worker }, { workerFilename, warmSpares: 0 })
      const first = await startGateway(folder)
      const pids = first.processes().map(({ pid }) => pid)
      expect(pids.length).toBe(3)
      first.kill('SIGKILL')
      await first.exited()
      rmSync(join(runtimeDirectoryPath(first.controlPort), 'processes.json'))
      // Those that it left would go on for 10 s; whoever starts now does not wait for that.
      const startedAt = performance.now()
      const second = await startGateway(folder, { controlPort: first.controlPort })
      expect(performance.now() - startedAt).toBeLessThan(8_000)
      const answer = (await (await second.fetch('/')).json()) as { pid: number; version: string }
      expect(answer.version).toBe('v1')
      expect(pids).not.toContain(answer.pid)
      await eventually('the end of what the first one left', () => first.processes().length === 0, 8_000)
      expect((await second.fetch('/')).status).toBe(200)
      expect(await ask(second, 'health')).toBe('OK')
    },
  )
})

/** Live and well; one whose event loop is blocked for ever; one that ignores SIGTERM. */
async function gatewayOfNodeWorkers(): Promise<Gateway> {
  const folder = await versionFolder({ v1: 'http', v2: 'ignores-sigterm', v3: { text: canBlock } })
  const gateway = await startGateway(folder)
  expect((await gateway.fetch('/', { version: 'v2' })).status).toBe(200)
  expect((await gateway.fetch('/', { version: 'v3' })).status).toBe(200)
  await expect(gateway.fetch('/block', { version: 'v3', signal: AbortSignal.timeout(500) })).rejects.toThrow()
  return gateway
}

/** Programs that know nothing of us, one of which ignores SIGTERM. */
async function gatewayOfOtherWorkers(): Promise<Gateway> {
  const folder = await versionFolder({ v1: 'python', v2: { text: ignoresTerm } }, { workerFilename: 'worker' })
  const gateway = await startGateway(folder)
  expect((await gateway.fetch('/', { version: 'v2' })).status).toBe(200)
  return gateway
}

async function portsOf(gateway: Gateway): Promise<number[]> {
  const { versionWorkers, proxyWorkers } = await proxyInfo(gateway)
  return [...new Set([...versionWorkers, ...proxyWorkers].map(({ port }) => port))]
}

const canBlock = `
require('node:http').createServer((req, res) => {
  while (req.url === '/block') {}
  res.end('well')
}).listen(Number(process.env.PROXY_PORT), '127.0.0.1')
`

const ignoresTerm = `#!/usr/bin/env python3
import http.server, os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('content-length', '0')
        self.end_headers()
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PROXY_PORT'])), Handler).serve_forever()
`

const chattyNode = `
require('node:http').createServer((req, res) => {
  console.log('a request', req.url)
  console.error('a request', req.url)
  req.resume()
  res.end(JSON.stringify({ pid: process.pid }))
}).listen(Number(process.env.PROXY_PORT), '127.0.0.1')
`

const chattyPython = `#!/usr/bin/env python3
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        print('a request', self.path, flush=True)
        body = json.dumps({'pid': os.getpid()}).encode()
        self.send_response(200)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PROXY_PORT'])), Handler).serve_forever()
`
