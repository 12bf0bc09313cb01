// A page of plain HTML with scripts, and an interface that both know. Nothing here knows of skew protection.
import { createReadStream } from 'node:fs'
import { createServer } from 'node:http'
import { basename, extname, join } from 'node:path'

const version = process.env.CSERVICE_VERSION
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8' }

createServer((req, res) => {
  const { pathname } = new URL(req.url, 'http://localhost')
  if (pathname === '/api/version') {
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify({ version }))
    return
  }
  const file = basename(pathname) || 'index.html'
  const stream = createReadStream(join(import.meta.dirname, 'public', file))
  stream.on('error', () => res.writeHead(404).end('not found'))
  stream.on('open', () => {
    res.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream')
    res.setHeader('cache-control', 'no-cache')
    stream.pipe(res)
  })
}).listen(process.env.PROXY_PORT, '127.0.0.1')
