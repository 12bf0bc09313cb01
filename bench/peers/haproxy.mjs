import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isInstalled } from '../machine.mjs'
import { startProgram } from '../processes.mjs'

export const haproxy = {
  id: 'haproxy',
  name: 'HAProxy',
  howToInstall: 'apt-get install haproxy',
  speaks: ['tls', 'http2', 'messages'],
  isInstalled: () => isInstalled('haproxy'),
  start({ backendPort, port, core, folder, tls }) {
    mkdirSync(folder)
    const file = join(folder, 'haproxy.cfg')
    const pem = join(folder, 'certificate.pem')
    if (tls !== null) writeFileSync(pem, `${readFileSync(tls.cert, 'utf8')}${readFileSync(tls.key, 'utf8')}`)
    writeFileSync(file, configuration({ backendPort, port, pem: tls === null ? null : pem }))
    return startProgram(['haproxy', '-db', '-f', file], { core, port })
  },
}

// It counts with two descriptors a connection, and from a fifth of those on keeps no idle connection to a worker: each
// request would then open one. With room for 10,000 idle clients it has them; the ratios let it keep what `pool-max-conn` says.
function configuration({ backendPort, port, pem }) {
  return `
global
  nbthread 1
  maxconn 12000
  no strict-limits
  tune.pool-low-fd-ratio 90
  tune.pool-high-fd-ratio 95
  tune.ssl.default-dh-param 2048
defaults
  mode http
  maxconn 12000
  timeout connect 10s
  timeout client 600s
  timeout server 600s
  timeout tunnel 600s
  timeout http-keep-alive 600s
  option http-keep-alive
  option forwardfor
  option abortonclose
  http-reuse always
frontend clients
  bind 127.0.0.1:${port} backlog 4096${pem === null ? '' : ` ssl crt ${pem} alpn h2,http/1.1`}
  default_backend workers
backend workers
  server worker 127.0.0.1:${backendPort} pool-max-conn 1024 pool-purge-delay 300s
`
}
