// What the small programs share: the port, the backend, the certificate, and where to find their library.
const { readFileSync } = require('node:fs')
const http = require('node:http')
const https = require('node:https')
const { createRequire } = require('node:module')

const { BENCH_BACKEND, BENCH_PORT, BENCH_MODULES, BENCH_KEY, BENCH_CERT } = process.env
const certificate = BENCH_KEY === undefined ? null : { key: readFileSync(BENCH_KEY), cert: readFileSync(BENCH_CERT) }

module.exports = {
  target: `http://127.0.0.1:${BENCH_BACKEND}`,
  backendPort: Number(BENCH_BACKEND),
  requirePeer: createRequire(BENCH_MODULES),
  certificate,
  keepAliveAgent: () => new http.Agent({ keepAlive: true, maxSockets: 1_024, maxFreeSockets: 1_024 }),
  listen(onRequest, onUpgrade) {
    const server = certificate === null ? http.createServer(onRequest) : https.createServer(certificate, onRequest)
    server.keepAliveTimeout = 600_000
    if (onUpgrade !== undefined) server.on('upgrade', onUpgrade)
    server.listen({ port: Number(BENCH_PORT), host: '127.0.0.1', backlog: 4_096 })
    return server
  },
  /** For a proxy's `error` event: what the library itself does not answer. */
  fail(_error, _req, res) {
    if (typeof res?.writeHead === 'function' && !res.headersSent) res.writeHead(502).end()
    else res?.destroy?.()
  },
}
