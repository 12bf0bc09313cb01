import 'node:https'
import 'node:url'
import 'node:zlib'
import { lookup } from 'node:dns'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { format } from 'node:util'

const requests = 20
const deadlineMs = 2_000

/**
 * Serves itself a few requests, so that what Node compiles lazily is compiled. Over a Unix socket: a port could be one that a
 * worker is about to get.
 * @param path where the socket is put
 */
export async function warmUp(path: string): Promise<void> {
  await import('./warm-module.mjs')
  format('%s %o', 'what console.log uses', {})
  lookup('127.0.0.1', () => {}) // what `listen` with a host uses
  await serveItself(path)
}

async function serveItself(path: string): Promise<void> {
  const server = http.createServer((req, res) => {
    req.resume()
    res.writeHead(200, { 'content-type': 'text/plain', 'content-length': 2 })
    res.end('ok')
  })
  try {
    server.listen({ path })
    await once(server, 'listening')
    const client = net.connect({ path })
    await once(client, 'connect')
    for (let count = 0; count < requests; count++) {
      client.write('GET / HTTP/1.1\r\nhost: localhost\r\nx-version: v1\r\n\r\n')
      await once(client, 'data', { signal: AbortSignal.timeout(deadlineMs) })
    }
    client.destroy()
  } catch {
    // it is only slower
  } finally {
    server.close()
  }
}
