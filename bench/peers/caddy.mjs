import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isInstalled } from '../machine.mjs'
import { environment, startProgram } from '../processes.mjs'

export const caddy = {
  id: 'caddy',
  name: 'caddy',
  howToInstall: 'apt-get install caddy',
  speaks: ['tls', 'http2', 'messages'],
  isInstalled: () => isInstalled('caddy'),
  start({ backendPort, port, core, folder, tls }) {
    mkdirSync(folder)
    const file = join(folder, 'Caddyfile')
    writeFileSync(file, configuration({ backendPort, port, tls }))
    const env = { ...environment(), GOMAXPROCS: '1', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
    return startProgram(['caddy', 'run', '--config', file, '--adapter', 'caddyfile'], { core, port, env })
  },
}

function configuration({ backendPort, port, tls }) {
  return `
{
  admin off
}
${tls === null ? 'http' : 'https'}://127.0.0.1:${port} {
  bind 127.0.0.1
  ${tls === null ? '' : `tls ${tls.cert} ${tls.key}`}
  reverse_proxy 127.0.0.1:${backendPort} {
    transport http {
      keepalive 300s
      keepalive_idle_conns 1024
      keepalive_idle_conns_per_host 1024
    }
  }
}
`
}
