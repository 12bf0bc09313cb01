import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { startGateway, startWorker } from '../harness.ts'
import { ask } from './h2-harness.ts'

const pem = join(import.meta.dirname, '..', 'fixtures', 'localhost.pem')
const header = 'PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n'

async function gatewayBehindProxy(tlsOptions: { pem: string } | null) {
  const worker = await startWorker((req, res) => res.end(`<${req.headers['x-forwarded-for']}>`))
  const binding = { port: 0, tlsOptions, redirect: null, http2: true, proxyProtocol: true }
  return startGateway({ v1: [worker.target] }, { binding, trustProxy: ['127.0.0.1'] })
}

/** A session over a connection that begins with a PROXY header. */
function sessionBehind(port: number, scheme: 'http' | 'https') {
  const plain: Socket = connect(port, '127.0.0.1')
  plain.write(header)
  const session = connectHttp2(`${scheme}://127.0.0.1`, {
    createConnection: () =>
      scheme === 'http' ? plain : connectTls({ socket: plain, rejectUnauthorized: false, ALPNProtocols: ['h2'] }),
  })
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  return session
}

test.each(['http', 'https'] as const)(
  '%s: behind a PROXY header the address in it counts for every stream',
  async (scheme) => {
    const gateway = await gatewayBehindProxy(scheme === 'https' ? { pem } : null)
    const session = sessionBehind(gateway.port, scheme)
    const claim = { 'x-forwarded-for': '6.6.6.6' }
    const answers = await Promise.all([ask(session, claim), ask(session, claim)])
    expect(answers).toMatchObject([
      { status: 200, body: '<192.0.2.7>' },
      { status: 200, body: '<192.0.2.7>' },
    ])
  },
)
