import { readFileSync } from 'node:fs'
import https from 'node:https'
import net from 'node:net'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../../src/common/log.ts'
import { sendCommand } from '../../../src/supervisor/control/client.ts'
import { ControlServer } from '../../../src/supervisor/control/control-server.ts'
import { readServerTls } from '../../../src/supervisor/control/tls-settings.ts'
import { command, deferred, freePort, registryOf, setEnvironment, temporaryDirectory } from './resources.ts'
import { openControl } from './server.ts'

const folder = join(import.meta.dirname, '../../proxy/dataplane/fixtures')
const pem = join(folder, 'localhost.pem')
const text = readFileSync(pem, 'utf8')

/** A gateway whose REST speaks TLS, and no control socket that a client would find. */
async function openTls(ssl: Record<string, unknown> = { pem }, host = 'localhost') {
  const begun = deferred()
  const release = deferred()
  const opened = await openControl(
    [
      command('echo', async (args) => args),
      command('long', async (_, { report }) => {
        report('half')
        return 'done'
      }),
      command('wait', async () => {
        begun.resolve()
        await release.promise
        return 'waited'
      }),
    ],
    { host, ssl },
  )
  setEnvironment({ XDG_RUNTIME_DIR: temporaryDirectory(), TMPDIR: temporaryDirectory() })
  return {
    ...opened,
    begun: begun.promise,
    release,
    address: { port: opened.port, host: 'localhost', accessKey: 'KEY' },
  }
}

test.each<[string, Record<string, unknown>]>([
  ['a file with both', { pem }],
  ['file names', { key: pem, cert: [pem] }],
  ['PEM texts', { key: text, cert: text }],
  ['Buffers', { key: Buffer.from(text), cert: new Uint8Array(Buffer.from(text)) }],
  ['a PKCS #12 file', { pfx: join(folder, 'localhost.pfx'), passphrase: 'test' }],
])('REST speaks TLS with %s, and the client with it', async (_, ssl) => {
  const { address } = await openTls(ssl)
  expect(await sendCommand('echo ü 7', { ...address, ssl: { ca: pem } })).toEqual(['ü', 7])
  expect(await sendCommand('echo', { ...address, ssl: { rejectUnauthorized: false } })).toEqual([])
})

test('relative file names start at the working directory', () => {
  expect(readServerTls({ pem: 'localhost.pem' }, folder).key).toEqual(Buffer.from(text))
})

test('progress comes over TLS too', async () => {
  const { address } = await openTls()
  const progress: string[] = []
  const onProgress = (said: string) => void progress.push(said)
  expect(await sendCommand('long', { ...address, ssl: { ca: text } }, 0, { onProgress })).toBe('done')
  expect(progress).toEqual(['half'])
})

test('a certificate that nobody vouches for is an error that says so, and gets no key', async () => {
  const { address } = await openTls()
  // A configuration that both sides read may say that clients need no good certificate: that says nothing of the gateway.
  const ofClients = { requestCert: true, rejectUnauthorized: false }
  await expect(sendCommand('echo', { ...address, ssl: ofClients })).rejects.toMatchObject({ code: 'TLS_FAILED' })
  await expect(sendCommand('echo', { ...address, ssl: {} })).rejects.toMatchObject({
    code: 'TLS_FAILED',
    exitCode: 3,
    message: expect.stringContaining('self-signed certificate'),
  })
})

test('a certificate of another host is an error that says so', async () => {
  const { address } = await openTls({ pem }, '127.0.0.1')
  // Reaches the same machine by an address that the certificate does not have.
  await expect(sendCommand('echo', { ...address, host: '0.0.0.0', ssl: { ca: pem } })).rejects.toMatchObject({
    code: 'TLS_FAILED',
    message: expect.stringContaining("does not match certificate's altnames"),
  })
})

test('a client that speaks TLS to one that does not is told so', async () => {
  const { port } = await openControl([], { host: 'localhost' })
  setEnvironment({ XDG_RUNTIME_DIR: temporaryDirectory(), TMPDIR: temporaryDirectory() })
  const address = { port, host: 'localhost', accessKey: 'KEY', ssl: { ca: pem } }
  await expect(sendCommand('echo', address)).rejects.toMatchObject({ code: 'TLS_FAILED' })
})

test('a client that speaks no TLS to one that does sends no key and is told of ssl', async () => {
  const { address } = await openTls()
  await expect(sendCommand('echo', address)).rejects.toMatchObject({
    code: 'NO_GATEWAY',
    message: expect.stringContaining('no key was sent'),
    hint: expect.stringContaining('ssl'),
  })
})

test('nobody there is NO_GATEWAY over TLS too, and one that shakes no hands is given up', async () => {
  setEnvironment({ XDG_RUNTIME_DIR: temporaryDirectory(), TMPDIR: temporaryDirectory() })
  const ssl = { ca: pem }
  await expect(sendCommand('echo', { port: await freePort(), host: 'localhost', ssl })).rejects.toMatchObject({
    code: 'NO_GATEWAY',
  })
  const silent = net.createServer((socket) => onTestFinished(() => void socket.destroy())).listen(0, 'localhost')
  await new Promise((resolve) => silent.once('listening', resolve))
  onTestFinished(() => void silent.close())
  const { port } = silent.address() as net.AddressInfo
  await expect(sendCommand('echo', { port, host: 'localhost', ssl })).rejects.toMatchObject({ code: 'NO_GATEWAY' })
}, 10_000)

test('a stop lets the answer of a running command arrive over TLS, and ends idle connections and handshakes', async () => {
  const { server, port, address, begun, release } = await openTls()
  const handshaking = net.connect(port, 'localhost')
  const idle = connect({ port, host: 'localhost', ca: text })
  await Promise.all([
    new Promise((resolve) => handshaking.once('connect', resolve)),
    new Promise((resolve) => idle.once('secureConnect', resolve)),
  ])
  const closed = [handshaking, idle].map((socket) => {
    socket.on('error', () => {})
    socket.resume()
    return new Promise((resolve) => socket.once('close', resolve))
  })
  const answer = sendCommand('wait', { ...address, ssl: { ca: pem } })
  await begun
  const stopped = server.stop(60_000)
  await Promise.all(closed)
  release.resolve()
  expect(await answer).toBe('waited')
  await stopped
})

test.each<[string, unknown, RegExp]>([
  ['no object', 'server.pem', /must be an object/],
  ['nothing in it', {}, /neither cert and key, nor pem, nor pfx/],
  ['a certificate alone', { cert: pem }, /neither cert and key/],
  [
    'a file that is not there',
    { key: pem, cert: '/nowhere/server.crt' },
    /the cert file \/nowhere\/server.crt .*ENOENT/,
  ],
  ['a number', { key: 7, cert: pem }, /key must be PEM text/],
  ['an empty name', { key: '', cert: pem }, /key must be PEM text/],
  ['a text that is neither', { key: 'MIIEsecret\nMIIE', cert: pem }, /key is neither PEM text/],
  ['a file that is no certificate', { key: pem, cert: import.meta.filename }, /cannot be used/],
  ['a wrong passphrase', { pfx: join(folder, 'localhost.pfx'), passphrase: 'wrong' }, /cannot be used: mac verify/],
])('ssl with %s is an error when the service starts', async (_, ssl, message) => {
  const opening = ControlServer.open({
    registry: registryOf(),
    directory: temporaryDirectory(),
    port: await freePort(),
    host: 'localhost',
    accessKey: 'KEY',
    ssl: ssl as Record<string, unknown>,
    log: silentLog(),
  })
  await expect(opening).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) })
  await expect(opening).rejects.not.toMatchObject({ message: expect.stringContaining('MIIEsecret') })
})

test('the checks for web pages and keys hold over TLS', async () => {
  const { port } = await openTls()
  const ask = (headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const options = {
        host: 'localhost',
        port,
        ca: text,
        servername: 'localhost',
        agent: false,
        method: 'POST',
        path: '/cli?cmd=echo',
        headers,
      }
      const req = https.request(options, (res) => resolve(res.resume().statusCode))
      req.on('error', reject)
      req.end()
    })
  const authorization = 'Bearer KEY'
  expect(await ask({ authorization })).toBe(200)
  expect(await ask({})).toBe(401)
  expect(await ask({ authorization, origin: 'https://localhost' })).toBe(401)
  expect(await ask({ authorization, host: 'evil.example' })).toBe(401)
})
