import { type ClientHttp2Session, connect } from 'node:http2'
import { connect as connectNet } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-ports.ts'
import { Flag, FrameClient, frame, request, Type } from '../support/http2-frames.ts'
import { makeCertificate, writeCertificate } from '../support/make-certificate.ts'
import { proxyInfo } from '../support/proxy-info.ts'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

const authority = makeCertificate({ names: [], commonName: 'Authority', isAuthority: true })

function ask(session: ClientHttp2Session, headers: Record<string, string> = {}): Promise<[unknown, unknown]> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': '/', ...headers })
    stream.once('response', (answer) => {
      stream.resume().once('end', () => resolve([answer[':status'], answer['x-served-version']]))
    })
    stream.once('error', reject)
  })
}

it('browsers get HTTP/2 from a binding with TLS, cold versions among what they ask for', async () => {
  const port = await freePort()
  const bindings = [{ port, host: '127.0.0.1', workerCount: 1, tlsOptions: { cert: 'app.crt', key: 'app.key' } }]
  const folder = await versionFolder({ v1: 'http', v2: 'http' }, { bindings })
  writeCertificate(folder.path, 'app', makeCertificate({ names: ['localhost'], commonName: 'app', issuer: authority }))
  await startGateway(folder)
  const session = connect(`https://127.0.0.1:${port}`, { ca: authority.cert, servername: 'localhost' })
  onTestFinished(() => session.destroy())
  session.on('error', () => {})
  expect(await ask(session)).toEqual([200, 'v1; by=live'])
  expect(await ask(session, { 'x-version': 'v2' })).toEqual([200, 'v2; by=header'])
  expect((await ask(session, { 'x-version': 'v9' }))[0]).toBe(404)
})

it('what floods an HTTP/2 connection is counted, and proxy info shows it', async () => {
  const port = await freePort()
  const folder = await versionFolder(
    { v1: 'http' },
    { bindings: [{ port, host: '127.0.0.1', workerCount: 1, http2: true }] },
  )
  const gateway = await startGateway(folder)
  const client = new FrameClient(connectNet(port, '127.0.0.1'))
  onTestFinished(() => void client.socket.destroy())
  await client.headers(1, request(), Flag.endStream).body(1)
  client.send(...Array.from({ length: 200 }, () => frame(Type.ping, 0, 0, '12345678')))
  await client.closed()
  await eventually('the count', async () => (await proxyInfo(gateway)).refused.HTTP2_FLOOD === 1)
})
