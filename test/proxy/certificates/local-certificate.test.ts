import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { CserviceError } from '../../../src/common/errors.ts'
import { type Issuer, issueCertificate } from '../../../src/proxy/certificates/issue-certificate.ts'
import { loadCertificates } from '../../../src/proxy/certificates/load-certificates.ts'
import { provideLocalCertificate } from '../../../src/proxy/certificates/local-certificate.ts'
import { pemBlocks } from '../../../src/proxy/certificates/pem.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

let state: string
beforeEach(() => {
  state = temporaryFolder()
  vi.stubEnv('XDG_STATE_HOME', state)
})
afterEach(() => void vi.unstubAllEnvs())

const folder = () => join(state, 'cservice', 'local-authority')
const read = (file: string) => readFileSync(file, 'utf8')

/** What a client that trusts the authority has against the name; null: nothing. */
async function complaint(pem: string, authority: string, name: string): Promise<string | null> {
  const server = createServer({ key: pem, cert: pem }, (socket) => socket.destroy())
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const isAddress = /^[\d.]+$|:/.test(name)
  const socket = connect({
    port,
    host: '127.0.0.1',
    ca: authority,
    checkServerIdentity: () => undefined,
    ...(isAddress ? {} : { servername: name }),
  })
  socket.on('error', () => {})
  const outcome = await new Promise<Error | null>((resolve) => {
    socket.once('secureConnect', () => resolve(null)).once('error', resolve)
  })
  socket.destroy()
  if (outcome !== null) return outcome.message
  const leaf = new X509Certificate(pem)
  const covered = isAddress ? leaf.checkIP(name) : leaf.checkHost(name, { subject: 'never' })
  return covered === undefined ? 'it is for other names' : null
}

test('clients that trust the authority trust localhost, its addresses, the machine, and names that were asked for', async () => {
  const local = await provideLocalCertificate(['app.localhost', 'Shop.test'])
  const [pem, authority] = [read(local.pem), read(local.authority)]
  const names = ['localhost', '127.0.0.1', '::1', 'app.localhost', 'shop.test', hostname().toLowerCase()]
  for (const name of names) expect(await complaint(pem, authority, name), name).toBe(null)
  expect(await complaint(pem, authority, 'example.com')).toBe('it is for other names')
  expect(new X509Certificate(pem).subjectAltName).toContain('DNS:*.localhost')
  expect((await loadCertificates({ pem: local.pem })).warnings).toEqual([])
})

test('it is made once, and nobody else may read it', async () => {
  const local = await provideLocalCertificate([])
  const before = readdirSync(folder()).map((name) => [name, read(join(folder(), name))])
  expect(await provideLocalCertificate([])).toEqual(local)
  expect(readdirSync(folder()).map((name) => [name, read(join(folder(), name))])).toEqual(before)
  expect(statSync(folder()).mode & 0o777).toBe(0o700)
  for (const [name = ''] of before) expect(statSync(join(folder(), name)).mode & 0o777).toBe(0o600)
  expect(read(local.authority)).not.toContain('PRIVATE KEY')
})

test('the certificate is of the kind that browsers take: 397 days at most, for servers, with a long random number', async () => {
  const leaf = new X509Certificate(read((await provideLocalCertificate([])).pem))
  const other = new X509Certificate(read((await provideLocalCertificate(['a.test'])).pem))
  expect(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)).toBeLessThan(397 * 24 * 60 * 60 * 1_000)
  expect(Date.parse(leaf.validFrom)).toBeLessThan(Date.now())
  expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect(leaf.ca).toBe(false)
  expect(leaf.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048)
  expect(leaf.serialNumber).toMatch(/^[0-9A-F]{32}$/)
  expect(leaf.serialNumber).not.toBe(other.serialNumber)
})

test('what the authority vouches for beyond this machine is believed by nobody', async () => {
  const { authority } = await provideLocalCertificate([])
  const issuer = issuerIn(join(folder(), 'authority.pem'))
  const foreign = await issueCertificate(issuer, ['example.com'], [], 30)
  expect(await complaint(foreign.key + foreign.certificate, read(authority), 'example.com')).toMatch(
    /permitted subtree/,
  )
  const abroad = await issueCertificate(issuer, ['localhost'], ['10.0.0.1'], 30)
  expect(await complaint(abroad.key + abroad.certificate, read(authority), '10.0.0.1')).toMatch(/permitted subtree/)
})

test('a certificate that is about to expire is made anew, by the same authority', async () => {
  const { pem, authority, names } = await provideLocalCertificate([])
  const before = read(authority)
  const old = await issueCertificate(issuerIn(join(folder(), 'authority.pem')), names, ['127.0.0.1'], 29)
  writeFileSync(pem, old.key + old.certificate)
  await provideLocalCertificate([])
  expect(Date.parse(new X509Certificate(read(pem)).validTo)).toBeGreaterThan(Date.now() + 300 * 24 * 60 * 60 * 1_000)
  expect(read(authority)).toBe(before)
})

test('one of another authority, or a broken one, is made anew', async () => {
  const { pem, authority } = await provideLocalCertificate([])
  for (const text of ['', 'nonsense', read(join(folder(), 'authority.pem'))]) {
    writeFileSync(pem, text)
    await provideLocalCertificate([])
    expect(await complaint(read(pem), read(authority), 'localhost')).toBe(null)
  }
})

test('several gateways that start at once agree on one authority', async () => {
  const all = await Promise.all([[], ['a.test'], ['b.test'], []].map((names) => provideLocalCertificate(names)))
  for (const { pem, authority } of all) expect(await complaint(read(pem), read(authority), 'localhost')).toBe(null)
  expect(readdirSync(folder()).filter((name) => !name.endsWith('.pem'))).toEqual([])
})

test('a name that is none of this machine is refused', async () => {
  await expect(provideLocalCertificate(['a.localhost', 'example.com', 'xlocalhost'])).rejects.toMatchObject({
    problems: [
      { path: ['names', 1], found: '"example.com"' },
      { path: ['names', 2], found: '"xlocalhost"' },
    ],
  })
})

test('a folder that others may enter, or that cannot be made, is an error that says what to do', async () => {
  mkdirSync(folder(), { recursive: true })
  chmodSync(folder(), 0o755)
  const failure = () => provideLocalCertificate([]).catch((error: CserviceError) => error)
  expect(await failure()).toMatchObject({
    code: 'LOCAL_AUTHORITY_FAILED',
    message: expect.stringContaining('chmod 700'),
  })
  writeFileSync(join(state, 'file'), '')
  vi.stubEnv('XDG_STATE_HOME', join(state, 'file'))
  expect(await failure()).toMatchObject({
    code: 'LOCAL_AUTHORITY_FAILED',
    message: expect.stringContaining('cannot be made'),
  })
})

test('an authority that is broken is not replaced behind the back of those who trust it', async () => {
  await provideLocalCertificate([])
  const file = join(folder(), 'authority.pem')
  writeFileSync(file, 'nonsense')
  await expect(provideLocalCertificate([])).rejects.toThrow(`${file} holds no key with its certificate: remove it`)
  expect(read(file)).toBe('nonsense')
})

function issuerIn(file: string): Issuer {
  const [key, certificate] = pemBlocks(read(file))
  return { key: key?.text ?? '', certificate: certificate?.text ?? '' }
}
