import { once } from 'node:events'
import { existsSync } from 'node:fs'
import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ended } from '../support/run.ts'
import { startWorker } from '../support/start-worker.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('the examples run without a gateway', () => {
  it.each([
    ['minimal/versions/v1/worker.js', /^Hello from the smallest version\n$/],
    ['python/versions/v1/worker.py', /^Hello from Python, process \d+\n$/],
    ['graceful-stop/versions/signal/worker.js', /^Finished/],
    ['graceful-stop/versions/agent/worker.js', /^Finished/],
  ])('%s answers', async (file, body) => {
    const worker = await startWorker(`${root}examples/${file}`)
    expect(await (await fetch(worker.url)).text()).toMatch(body)
  })

  it.each(['python', 'minimal', 'graceful-stop'])('%s has a proxy.json', (name) => {
    expect(existsSync(`${root}examples/${name}/proxy.json`)).toBe(true)
  })

  it('graceful-stop finishes the request in hand at SIGTERM, and exits 0', async () => {
    const worker = await startWorker(`${root}examples/graceful-stop/versions/signal/worker.js`)
    // A second request on a connection that is known to be accepted: it is in hand when the signal comes.
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const [first] = (await once(http.get(worker.url, { agent }), 'response')) as [http.IncomingMessage]
    await first.resume().toArray()
    const req = http.get(worker.url, { agent })
    await once(req, 'finish')
    const head = once(req, 'response') as Promise<[http.IncomingMessage]>
    await delay(100) // the worker takes 500 ms for its answer; there is no event for "it has begun"
    worker.child.kill('SIGTERM')
    const [answer] = await head
    expect(answer.statusCode).toBe(200)
    answer.resume()
    expect(await ended(worker.child, 10_000)).toEqual({ code: 0, signal: null })
    expect(worker.stdout()).toContain('everything in hand is finished')
  })
})

describe('the sample versions', () => {
  it.each(['v1', 'v2', 'v3'])('%s says in text and as a page which worker answered', async (version) => {
    const worker = await startWorker(`${root}versions/${version}/worker.js`, { version })
    const text = await (await fetch(worker.url)).text()
    expect(text).toBe(`${version} answered by worker ${worker.pid} on port ${worker.port}\n`)
    const page = await fetch(worker.url, { headers: { accept: 'text/html', 'x-request-id': '<script>' } })
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const html = await page.text()
    expect(html).toContain(`<h1>${version}</h1>worker ${worker.pid} on port ${worker.port}`)
    expect(html).toContain('&#60;script&#62;')
  })

  it('v2 ticks', async () => {
    const worker = await startWorker(`${root}versions/v2/worker.js`, { version: 'v2' })
    const res = await fetch(`${worker.url}/events`)
    const reader = res.body?.getReader()
    const { value } = (await reader?.read()) ?? {}
    expect(Buffer.from(value ?? []).toString()).toMatch(/^data: \S+Z v2 answered by worker \d+/)
    await reader?.cancel()
  })

  it('v3 echoes a body', async () => {
    const worker = await startWorker(`${root}versions/v3/worker.js`, { version: 'v3' })
    const res = await fetch(`${worker.url}/echo`, { method: 'POST', body: 'hello' })
    expect(await res.text()).toBe('hello')
  })
})
