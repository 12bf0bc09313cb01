import { readFileSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { freePort, freePorts, isPortFree } from '../support/free-ports.ts'
import { makeCertificate, writeCertificate } from '../support/make-certificate.ts'
import { ask, proxyInfo, readyProxies, untilReplaced } from '../support/proxy-info.ts'
import { cservice, startGateway } from '../support/start-gateway.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type VersionFolder, versionFolder } from '../support/version-folder.ts'

const authority = makeCertificate({ names: [], commonName: 'Authority', isAuthority: true })
const certificate = (name: string, options: { from?: Date; to?: Date } = {}) =>
  makeCertificate({ names: ['localhost', name], commonName: name, issuer: authority, ...options })

/** A folder whose first binding has TLS. */
function tlsFolder(port: number, tlsOptions: Record<string, unknown>, workerCount = 1): Promise<VersionFolder> {
  return versionFolder({ v1: 'http' }, { bindings: [{ port, host: '127.0.0.1', workerCount, tlsOptions }] })
}

interface TlsAnswer {
  readonly status: number | undefined
  /** Common name of the certificate. */
  readonly certificate: string
  readonly location: string | undefined
}

/** A request whose client trusts this authority alone. */
function request(port: number, options: https.RequestOptions = {}): Promise<TlsAnswer> {
  return new Promise((resolve, reject) => {
    const agent = options.agent ?? false
    const req = https.get(
      { host: '127.0.0.1', servername: 'localhost', ca: authority.cert, ...options, port, agent },
      (res) => {
        const { CN } = (res.socket as TLSSocket).getPeerCertificate().subject
        res.resume().once('end', () => {
          resolve({ status: res.statusCode, certificate: String(CN), location: res.headers.location })
        })
      },
    )
    req.on('error', reject)
  })
}

it('a certificate that cannot be served ends the start with file, line, what was found and what is allowed', async () => {
  const port = await freePort()
  const folder = await tlsFolder(port, {})
  const files = writeCertificate(folder.path, 'app', certificate('app.test'))
  writeCertificate(folder.path, 'other', certificate('other.test'))
  const bindings = [
    { port, host: '127.0.0.1', tlsOptions: { cert: 'app.crt', key: 'other.key' } },
    {
      port: await freePort(),
      host: '127.0.0.1',
      tlsOptions: { cert: 'app.crt', key: 'app.key', names: ['app.test', 'www.test'] },
    },
  ]
  writeFileSync(folder.config, JSON.stringify({ ...folder.settings, bindings }, null, 2))
  const controlPort = String(await freePort())
  const words = ['proxy', 'start', folder.config, '--port', controlPort]
  const outcome = await cservice(words, { cwd: folder.path })
  expect(outcome.code).toBe(1)
  expect(outcome.stderr).toContain(`${folder.config} has 2 problems with certificates:`)
  expect(outcome.stderr).toContain(
    `proxy.json:9:17 bindings[0].tlsOptions.cert: found the certificate of app.test (EC prime256v1, ${files.cert}), and none of the keys fits: ${join(folder.path, 'other.key')}, allowed: a certificate whose private key is named as well`,
  )
  expect(outcome.stderr).toContain(
    'bindings[1].tlsOptions.names[1]: found "www.test", allowed: a name that one of the certificates is for (localhost, app.test)',
  )
  expect(outcome.stderr).not.toMatch(/reason: start/) // nothing was begun
  expect(await isPortFree(port)).toBe(true)
  const json = await cservice([...words, '--json'], { cwd: folder.path })
  expect(json.json).toMatchObject({ error: { code: 'CERTIFICATE_INVALID', details: { file: folder.config } } })
})

it('files that are replaced are taken over by every proxy process, while requests on open connections go on', async () => {
  const port = await freePort()
  const folder = await tlsFolder(port, { cert: 'app.crt', key: 'app.key' }, 2)
  writeCertificate(folder.path, 'app', certificate('old.test'))
  const gateway = await startGateway(folder)
  const proxies = await readyProxies(gateway)
  const agent = new https.Agent({ keepAlive: true, maxSockets: 8 })
  onTestFinished(() => agent.destroy())
  let isOver = false
  const seen = new Set<string>()
  const busy = Array.from({ length: 8 }, async () => {
    // Also those that are under way when the certificates change must be answered.
    while (!isOver) seen.add(`${(await request(port, { agent })).status}`)
  })
  expect((await request(port)).certificate).toBe('old.test')
  writeCertificate(folder.path, 'app', certificate('new.test'))
  await eventually('the new certificate', async () => (await request(port)).certificate === 'new.test')
  for (let round = 0; round < 20; round++) {
    await eventually('it in all processes', async () => (await request(port)).certificate === 'new.test', 1_000)
  }
  isOver = true
  await Promise.all(busy)
  expect([...seen]).toEqual(['200'])
  expect(await readyProxies(gateway)).toEqual(proxies)
  expect((await proxyInfo(gateway)).bindings[0]?.tls?.certificates[0]?.names).toContain('new.test')
})

it('new files that are broken are refused with the reason, and a proxy process that is replaced has the good ones', async () => {
  const port = await freePort()
  const folder = await tlsFolder(port, { cert: 'app.crt', key: 'app.key' })
  const files = writeCertificate(folder.path, 'app', certificate('good.test'))
  const gateway = await startGateway(folder)
  const before = await readyProxies(gateway)
  writeFileSync(files.cert, 'half a certif')
  await eventually('a refusal', async () => (await proxyInfo(gateway)).bindings[0]?.tls?.error)
  const health = await gateway.cservice('health')
  expect(health.code).toBe(1)
  expect(health.stderr).toContain(`port ${port}: new certificates were refused: a file that is not PEM (${files.cert})`)
  expect(gateway.output).toContain('the new certificates are refused, what was in force stays')
  for (const pid of before) process.kill(pid, 'SIGKILL')
  await untilReplaced('a new proxy process', () => readyProxies(gateway), 1, before)
  expect(await request(port)).toMatchObject({ status: 200, certificate: 'good.test' })
  writeCertificate(folder.path, 'app', certificate('better.test'))
  await eventually('the next good one', async () => (await request(port)).certificate === 'better.test')
  expect(await ask(gateway, 'health')).toBe('OK')
})

it('an expired certificate is served, with a loud warning in log, health and proxy info', async () => {
  const port = await freePort()
  const folder = await tlsFolder(port, { cert: 'app.crt', key: 'app.key' })
  const to = new Date(Date.now() - 5 * 24 * 60 * 60 * 1_000 - 60_000)
  writeCertificate(folder.path, 'app', certificate('old.test', { from: new Date('2020-01-01'), to }))
  const gateway = await startGateway(folder)
  expect((await request(port, { rejectUnauthorized: false })).status).toBe(200)
  const warning = 'expired 5 days ago: clients refuse it'
  expect(gateway.output).toContain(warning)
  expect((await gateway.cservice('health')).stderr).toContain(warning)
  const { stdout } = await gateway.cservice('proxy', 'info')
  expect(stdout).toMatch(/port +certificate for +key +issuer +valid until/)
  expect(stdout).toContain(warning)
  expect(stdout).toContain('Authority')
})

it('a session is resumed by whichever proxy process takes the connection', async () => {
  const port = await freePort()
  const folder = await tlsFolder(port, { cert: 'app.crt', key: 'app.key' }, 3)
  writeCertificate(folder.path, 'app', certificate('app.test'))
  await startGateway(folder)
  const options = {
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.cert,
    maxVersion: 'TLSv1.2',
  } as const
  const open = (session?: Buffer) =>
    new Promise<{ isReused: boolean; session: Buffer | undefined }>((resolve, reject) => {
      const socket = connect({ ...options, ...(session ? { session } : {}) }, () => {
        resolve({ isReused: socket.isSessionReused(), session: socket.getSession() })
        socket.destroy()
      })
      socket.on('error', reject)
    })
  const { session } = await open()
  for (let round = 0; round < 30; round++) expect((await open(session)).isReused).toBe(true)
})

it('"local": true makes https://localhost work, and says how; a port beside it redirects there', async () => {
  const [port = 0, plain = 0] = await freePorts(2)
  const folder = await versionFolder(
    { v1: 'http' },
    {
      bindings: [
        { port, host: '127.0.0.1', workerCount: 1, tlsOptions: { local: true, names: ['app.localhost'] } },
        { port: plain, host: '127.0.0.1', workerCount: 1, redirect: port },
      ],
    },
  )
  const state = temporaryFolder()
  const gateway = await startGateway(folder, { env: { XDG_STATE_HOME: state } })
  const { bindings } = await proxyInfo(gateway)
  const file = String(bindings[0]?.tls?.authority)
  expect(file).toBe(join(state, 'cservice/local-authority/ca.pem'))
  expect(gateway.output).toContain(`trust ${file} once (docs/tls.md says how)`)
  expect(gateway.stdout).toContain(`curl --cacert '${file}' https://127.0.0.1:${port}/`)
  expect((await gateway.cservice('proxy', 'info')).stdout).toContain(`clients must trust ${file}`)
  const ca = readFileSync(file, 'utf8')
  for (const servername of ['localhost', 'app.localhost']) {
    expect(await request(port, { ca, servername })).toMatchObject({ status: 200 })
  }
  const redirected = await fetch(`http://127.0.0.1:${plain}/a?b`, { redirect: 'manual' })
  expect([redirected.status, redirected.headers.get('location')]).toEqual([308, `https://127.0.0.1:${port}/a?b`])
  const url = new URL(String(redirected.headers.get('location')))
  expect(await request(Number(url.port), { ca, path: url.pathname, servername: 'localhost' })).toMatchObject({
    status: 200,
  })
})
