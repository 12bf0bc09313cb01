import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type MadeCertificate, makeCertificate, writeCertificate } from '../../support/make-certificate.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { get, RawClient, startGateway, startWorker, tlsSettings } from './harness.ts'
import { answerOver, certificateFor, dial } from './tls-client.ts'

/** A gateway with these certificates, in this order. */
async function gatewayWith(made: readonly MadeCertificate[], others: Record<string, unknown> = {}) {
  const worker = await startWorker((req, res) => res.end(`${req.headers['x-forwarded-proto']}`))
  const tlsOptions = { ...filesOf(made), ...others }
  return startGateway({ v1: [worker.target] }, { binding: { port: 0, tlsOptions, redirect: null } })
}

function filesOf(made: readonly MadeCertificate[]) {
  const folder = temporaryFolder()
  const files = made.map((one, index) => writeCertificate(folder, `${index}`, one))
  return { cert: files.map(({ cert }) => cert), key: files.map(({ key }) => key) }
}

const named = (name: string, options: Parameters<typeof makeCertificate>[0] = {}) =>
  makeCertificate({ names: [name], commonName: name, ...options })

test('a client gets the certificate for the name that it asks for, and the first one for any other', async () => {
  const { port } = await gatewayWith([named('a.test'), named('b.test'), named('*.c.test')])
  expect(await certificateFor(port, { servername: 'a.test' })).toBe('a.test')
  expect(await certificateFor(port, { servername: 'b.test' })).toBe('b.test')
  expect(await certificateFor(port, { servername: 'B.Test' })).toBe('b.test')
  expect(await certificateFor(port, { servername: 'x.c.test' })).toBe('*.c.test')
  expect(await certificateFor(port, { servername: 'x.y.c.test' })).toBe('a.test')
  expect(await certificateFor(port, { servername: 'z.test' })).toBe('a.test')
  expect(await certificateFor(port)).toBe('a.test')
})

test('a client that trusts the authority is content with each name, and requests go through under each', async () => {
  const authority = makeCertificate({ names: [], commonName: 'Authority', isAuthority: true })
  const names = ['a.test', 'b.test']
  const { port } = await gatewayWith(names.map((name) => named(name, { issuer: authority })))
  for (const servername of names) {
    expect(await answerOver(port, { servername, ca: authority.cert, rejectUnauthorized: true })).toMatch(/ 200 OK/)
  }
  const stranger = { servername: 'c.test', ca: authority.cert, rejectUnauthorized: true }
  await expect(dial(port, stranger)).rejects.toThrow('c.test')
})

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'with an RSA and an ECDSA certificate for the same names, %s clients of either kind are served, each chain with its own',
  async (version) => {
    const kinds = ['rsa', 'ec'] as const
    const authorities = kinds.map((kind) =>
      makeCertificate({ names: [], commonName: `Authority ${kind}`, isAuthority: true, kind }),
    )
    const folder = temporaryFolder()
    const [first = [], second = []] = ['a.test', 'b.test'].map((name) =>
      kinds.map((kind, index) => {
        const [issuer] = authorities.slice(index)
        if (issuer === undefined) throw new Error('no issuer')
        return writeCertificate(folder, `${name}-${kind}`, named(name, { kind, issuer }), [issuer])
      }),
    )
    const all = [...first, ...second]
    const worker = await startWorker((_req, res) => res.end())
    const tlsOptions = { cert: all.map(({ cert }) => cert), key: all.map(({ key }) => key) }
    const { port } = await startGateway({ v1: [worker.target] }, { binding: { port: 0, tlsOptions, redirect: null } })
    const signatures = { rsa: 'rsa_pss_rsae_sha256', ec: 'ecdsa_secp256r1_sha256' }
    for (const servername of ['a.test', 'b.test']) {
      for (const [index, kind] of kinds.entries()) {
        const socket = await dial(port, {
          servername,
          sigalgs: signatures[kind],
          minVersion: version,
          maxVersion: version,
          ca: authorities[index]?.cert ?? '',
          rejectUnauthorized: true,
        })
        const { subject, issuerCertificate } = socket.getPeerCertificate(true)
        expect([subject.CN, issuerCertificate.subject.CN]).toEqual([servername, `Authority ${kind}`])
        socket.destroy()
      }
    }
  },
)

test('new certificates serve new handshakes, and a request on an open connection is not disturbed', async () => {
  const gateway = await gatewayWith([named('a.test'), named('b.test')])
  const open = new RawClient(await dial(gateway.port, { servername: 'b.test' }))
  expect(await open.send(get()).until(/https$/)).toMatch(/ 200 OK/)
  const fresh = [named('a.test', { commonName: 'new a' }), named('b.test', { commonName: 'new b' }), named('d.test')]
  const tls = await tlsSettings(filesOf(fresh))
  await gateway.configure({ binding: { port: 0, tls, redirect: null } })
  expect(await certificateFor(gateway.port, { servername: 'a.test' })).toBe('new a')
  expect(await certificateFor(gateway.port, { servername: 'b.test' })).toBe('new b')
  expect(await certificateFor(gateway.port, { servername: 'd.test' })).toBe('d.test')
  expect(await open.send(get()).until(/https$/)).toMatch(/ 200 OK/)
})

test('certificates that make no sense leave the former ones in force', async () => {
  const gateway = await gatewayWith([named('a.test')])
  const tls = await tlsSettings(filesOf([named('b.test')]))
  const broken = { ...tls, identities: tls.identities.map((identity) => ({ ...identity, cert: ['nonsense'] })) }
  await gateway.configure({ binding: { port: 0, tls: broken, redirect: null } })
  expect(await certificateFor(gateway.port)).toBe('a.test')
  expect(await answerOver(gateway.port)).toMatch(/ 200 OK/)
})

test('TLS 1.2 and 1.3 are spoken, nothing older, and only ciphers with forward secrecy', async () => {
  const { port } = await gatewayWith([named('a.test', { kind: 'rsa' })])
  const only = (version: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3', ciphers?: string) =>
    dial(port, { minVersion: version, maxVersion: version, ...(ciphers === undefined ? {} : { ciphers }) })
  expect((await only('TLSv1.3')).getProtocol()).toBe('TLSv1.3')
  expect((await only('TLSv1.2')).getProtocol()).toBe('TLSv1.2')
  expect((await only('TLSv1.2')).getCipher().name).toMatch(/^ECDHE-RSA-.*(GCM|POLY1305)/)
  await expect(only('TLSv1.1', 'DEFAULT@SECLEVEL=0')).rejects.toThrow(/alert protocol version/)
  for (const old of ['AES128-GCM-SHA256', 'ECDHE-RSA-AES128-SHA256', 'DHE-RSA-AES128-GCM-SHA256']) {
    await expect(only('TLSv1.2', old), old).rejects.toThrow(/handshake failure/)
  }
})

test('minVersion and ciphers of proxy.json come before what is usual here', async () => {
  const { port } = await gatewayWith([named('a.test', { kind: 'rsa' })], {
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    ciphers: 'AES128-GCM-SHA256',
  })
  const socket = await dial(port, { ciphers: 'AES128-GCM-SHA256' })
  expect([socket.getProtocol(), socket.getCipher().name]).toEqual(['TLSv1.2', 'AES128-GCM-SHA256'])
})

test('without both lanes, and with them, requests on connections that named a server are carried', async () => {
  const worker = await startWorker((req, res) => res.end(`${req.headers.host} ${req.headers['x-forwarded-proto']}`))
  for (const lanes of ['both', 'general'] as const) {
    const binding = { port: 0, tlsOptions: filesOf([named('a.test'), named('b.test')]), redirect: null }
    const { port } = await startGateway({ v1: [worker.target] }, { binding }, lanes)
    const client = new RawClient(await dial(port, { servername: 'b.test' }))
    for (let round = 0; round < 3; round++) {
      expect(await client.send(get()).until(/example.test https$/)).toMatch(/ 200 OK/)
    }
    const body = 'x'.repeat(300_000)
    client.send('POST / HTTP/1.1', 'Host: b.test', `Content-Length: ${body.length}`, '', body)
    expect(await client.until(/b.test https$/)).toMatch(/ 200 OK/)
  }
})

test.each(['apart', 'together'])(
  'behind a PROXY protocol header, sent %s, the certificate for the name is served',
  async (how) => {
    const worker = await startWorker((req, res) => res.end(`for ${req.headers['x-forwarded-for']}`))
    const tlsOptions = filesOf([named('a.test'), named('b.test')])
    const binding = { tlsOptions, proxyProtocol: true }
    const { port } = await startGateway({ v1: [worker.target] }, { binding, trustProxy: ['127.0.0.1'] })
    const socket = connect(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    if (how === 'together') socket.cork()
    socket.write('PROXY TCP4 192.0.2.7 192.0.2.1 5000 443\r\n')
    if (how === 'together') process.nextTick(() => socket.uncork())
    else await new Promise((resolve) => socket.once('connect', () => setImmediate(resolve)))
    const client = await dial(port, { socket, servername: 'b.test' })
    expect(client.getPeerCertificate().subject.CN).toBe('b.test')
    expect(await new RawClient(client).send(get()).until(/for .*$/)).toMatch(/for 192.0.2.7$/)
  },
)
