import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadCertificates } from '../../../src/proxy/certificates/load-certificates.ts'
import { TlsProblems } from '../../../src/proxy/certificates/tls-problem.ts'
import { type MadeCertificate, makeCertificate, writeCertificate } from '../../support/make-certificate.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const fixture = (name: string): string => join(import.meta.dirname, '../dataplane/fixtures', name)

/** What is wrong with `tlsOptions`, each as `path: found | allowed`. */
async function problemsOf(tlsOptions: Record<string, unknown>): Promise<string[]> {
  const error = await loadCertificates(tlsOptions).then(
    () => new TlsProblems([]),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof TlsProblems)) throw error
  return error.problems.map(({ path, found, allowed }) => `${path.join('.')}: ${found} | ${allowed}`)
}

function write(content: string | Buffer, name = 'file.pem'): string {
  const file = join(temporaryFolder(), name)
  writeFileSync(file, content)
  return file
}

function encrypted({ privateKey }: MadeCertificate, passphrase: string): string {
  const encryption = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
  return privateKey.export(encryption).toString()
}

test('each key goes with the certificate that it fits, in whatever order they are named', async () => {
  const folder = temporaryFolder()
  const [a, b] = ['a.example.com', 'b.example.com'].map((name) =>
    writeCertificate(folder, name, makeCertificate({ names: [name] })),
  )
  const { tls, certificates } = await loadCertificates({ cert: [a?.cert, b?.cert], key: [b?.key, a?.key] })
  expect(tls.identities.map(({ names }) => names)).toEqual([['a.example.com'], ['b.example.com']])
  expect(certificates.map(({ facts }) => facts.file)).toEqual([a?.cert, b?.cert])
  for (const { cert, key } of tls.identities) {
    expect(new X509Certificate(cert[0] ?? '').checkPrivateKey(createPrivateKey(key[0] ?? ''))).toBe(true)
  }
})

test('certificates of different kinds for the same names are one identity, others are identities of their own', async () => {
  const folder = temporaryFolder()
  const made = [
    { names: ['b.test', 'a.test'], kind: 'ec' },
    { names: ['a.test', 'b.test'], kind: 'rsa' },
    { names: ['a.test', 'b.test'], kind: 'ec' },
    { names: ['a.test'], kind: 'rsa' },
  ] as const
  const files = made.map((options, index) => writeCertificate(folder, `${index}`, makeCertificate(options)))
  const { tls } = await loadCertificates({ cert: files.map(({ cert }) => cert), key: files.map(({ key }) => key) })
  expect(tls.identities.map(({ names, cert }) => [names.length, cert.length])).toEqual([
    [2, 2],
    [2, 1],
    [1, 1],
  ])
})

test('pem has key and chain in one file, or in several', async () => {
  const authority = makeCertificate({ names: [], commonName: 'Authority', isAuthority: true })
  const made = makeCertificate({ names: ['app.test'], issuer: authority })
  const whole = write(`a comment\n${made.key}${made.cert}${authority.cert}`)
  const { tls } = await loadCertificates({ pem: whole })
  expect(tls.identities[0]?.cert[0]?.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
  const apart = await loadCertificates({ pem: [write(made.key), write(made.cert)] })
  expect(apart.tls.identities[0]?.names).toEqual(['app.test'])
})

test('a PKCS #12 file is looked into, and served with its passphrase', async () => {
  const { tls, certificates } = await loadCertificates({ pfx: fixture('localhost.pfx'), passphrase: 'test' })
  expect(certificates[0]?.facts).toMatchObject({ names: ['localhost', '127.0.0.1'], issuer: 'localhost' })
  expect(tls).toMatchObject({ passphrase: 'test', identities: [{ names: ['localhost'] }] })
})

test('an encrypted key is opened here: no passphrase goes any further', async () => {
  const made = makeCertificate()
  const { tls } = await loadCertificates({
    cert: write(made.cert),
    key: write(encrypted(made, 'secret')),
    passphrase: 'secret',
    minVersion: 'TLSv1.3',
  })
  expect(tls.passphrase).toBe(null)
  expect(tls.options).toEqual({ minVersion: 'TLSv1.3' })
  expect(JSON.stringify(tls)).not.toContain('secret')
})

test('what is served has its dates, names, key and issuer in facts', async () => {
  const authority = makeCertificate({ names: [], commonName: 'Authority', isAuthority: true })
  const [from, to] = [new Date('2020-01-02T03:04:05Z'), new Date('2091-01-02T03:04:05Z')]
  const made = makeCertificate({ names: ['App.Test', '*.app.test'], issuer: authority, kind: 'rsa', from, to })
  const files = writeCertificate(temporaryFolder(), 'app', made)
  expect((await loadCertificates(files)).certificates.map(({ facts }) => facts)).toEqual([
    {
      names: ['app.test', '*.app.test'],
      subject: 'App.Test',
      issuer: 'Authority',
      validFrom: '2020-01-02T03:04:05.000Z',
      validTo: '2091-01-02T03:04:05.000Z',
      key: 'RSA 2048',
      file: files.cert,
    },
  ])
})

test('an Ed25519 certificate can be served', async () => {
  const files = writeCertificate(temporaryFolder(), 'ed', makeCertificate({ kind: 'ed25519' }))
  expect((await loadCertificates(files)).certificates[0]?.facts.key).toBe('ED25519')
})

test('a key that does not fit is an error that names both files', async () => {
  const folder = temporaryFolder()
  const one = writeCertificate(folder, 'one', makeCertificate({ names: ['one.test'] }))
  const other = writeCertificate(folder, 'other', makeCertificate())
  expect(await problemsOf({ cert: one.cert, key: [other.key] })).toEqual([
    `cert: the certificate of one.test (EC prime256v1, ${one.cert}), and none of the keys fits: ${other.key} | a certificate whose private key is named as well`,
  ])
  expect(await problemsOf({ cert: one.cert, key: [one.key, other.key] })).toEqual([
    `key.1: a key that fits none of the certificates (${other.key}) | a certificate's key`,
  ])
})

test.each<[string, (made: MadeCertificate) => Record<string, unknown>, RegExp]>([
  ['a missing file', ({ key }) => ({ cert: '/none/app.crt', key: write(key) }), /^cert: no file \/none\/app\.crt/],
  ['a folder', ({ key }) => ({ cert: temporaryFolder(), key: write(key) }), /^cert: .* it is a folder/],
  ['a file of 2 MiB', ({ key }) => ({ cert: write(Buffer.alloc(2 ** 21)), key: write(key) }), /more than 1 MiB/],
  ['an empty file', ({ key }) => ({ cert: write(''), key: write(key) }), /^cert: an empty file/],
  ['text', ({ key }) => ({ cert: write('hello'), key: write(key) }), /^cert: a file that is not PEM/],
  ['DER', ({ key }) => ({ cert: write(Buffer.from([0x30, 1, 2])), key: write(key) }), /^cert: a binary file \(DER/],
  ['key for certificate', ({ key }) => ({ cert: write(key), key: write(key) }), /^cert: a file with PRIVATE KEY/],
  ['certificate for key', ({ cert }) => ({ cert: write(cert), key: write(cert) }), /^key: a file with CERTIFICATE/],
  ['no key in pem', ({ cert }) => ({ pem: write(cert) }), /^pem: the certificate of localhost .* no key is there/],
  ['no certificate in pem', ({ key }) => ({ pem: write(key) }), /^pem: a key that fits none/],
  [
    'a broken certificate',
    ({ cert, key }) => ({ pem: write(`${key}${damaged(cert)}`) }),
    /CERTIFICATE block that is broken, number 1/,
  ],
  [
    'a broken key',
    ({ cert, key }) => ({ cert: write(cert), key: write(damaged(key)) }),
    /^key: a private key that is broken/,
  ],
  [
    'no passphrase',
    (made) => ({ cert: write(made.cert), key: write(encrypted(made, 'x')) }),
    /^key: an encrypted key, and no passphrase/,
  ],
  [
    'a wrong passphrase',
    (made) => ({ cert: write(made.cert), key: write(encrypted(made, 'x')), passphrase: 'y' }),
    /^key: an encrypted key that the passphrase does not open/,
  ],
  ['a pfx without passphrase', () => ({ pfx: fixture('localhost.pfx') }), /^pfx: an encrypted file, and no passphrase/],
  [
    'a pfx, wrong passphrase',
    () => ({ pfx: fixture('localhost.pfx'), passphrase: 'y' }),
    /^pfx: a file that the passphrase does not open/,
  ],
  ['no pfx', ({ cert }) => ({ pfx: write(cert) }), /^pfx: a file that OpenSSL refuses/],
  [
    'a ca without certificates',
    ({ cert, key }) => ({ cert: write(cert), key: write(key), ca: write(key) }),
    /^ca: a file with PRIVATE KEY/,
  ],
  [
    'options that make no sense',
    ({ cert, key }) => ({ cert: write(cert), key: write(key), minVersion: 'TLSv9' }),
    /^: options that Node refuses: "TLSv9"/,
  ],
  [
    'unknown ciphers',
    ({ cert, key }) => ({ cert: write(cert), key: write(key), ciphers: 'NONE-SUCH' }),
    /^: options that Node refuses: .*cipher/i,
  ],
])('%s is an error', async (_, tlsOptions, expected) => {
  const problems = await problemsOf(tlsOptions(makeCertificate()))
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatch(expected)
})

test('a file that this user may not read is an error', async ({ skip }) => {
  if (process.geteuid?.() === 0) skip('root may read everything')
  const { cert, key } = writeCertificate(temporaryFolder(), 'app', makeCertificate())
  chmodSync(key, 0)
  expect(await problemsOf({ cert, key })).toEqual([
    `key: ${key}, which this user may not read | a file that this user may read`,
  ])
})

test('a key that OpenSSL holds for too weak is an error before a client meets it', async () => {
  const files = writeCertificate(temporaryFolder(), 'weak', makeCertificate({ kind: 'rsa', bits: 512 }))
  expect(await problemsOf(files)).toEqual([
    `cert: a certificate that OpenSSL refuses: ee key too small (${files.cert}) | RSA with 2048 bits or more, or EC, signed with SHA-256 or better`,
  ])
})

test('the certificate of the server must be the first of its chain', async () => {
  const authority = makeCertificate({ names: [], commonName: 'Authority', isAuthority: true })
  const made = makeCertificate({ issuer: authority })
  const cert = write(`${authority.cert}${made.cert}`)
  expect(await problemsOf({ cert, key: write(made.key) })).toEqual([
    `cert: the certificate of the server only at place 2 of ${cert} | the server's certificate first, then that of its issuer, and so on`,
  ])
})

test('all problems are reported at once', async () => {
  expect(await problemsOf({ cert: ['/none/a', '/none/b'], key: '/none/c' })).toHaveLength(3)
})

test('names that are said to be served must each be covered, by a wildcard for one label at most', async () => {
  const files = writeCertificate(temporaryFolder(), 'app', makeCertificate({ names: ['example.com', '*.example.com'] }))
  await loadCertificates({ ...files, names: ['example.com', 'App.example.com', '*.example.com'] })
  expect(await problemsOf({ ...files, names: ['a.b.example.com', 'example.org', '*.app.example.com'] })).toEqual(
    ['a.b.example.com', 'example.org', '*.app.example.com'].map(
      (name, index) =>
        `names.${index}: "${name}" | a name that one of the certificates is for (example.com, *.example.com)`,
    ),
  )
})

test.each<[string, (made: MadeCertificate, authority: MadeCertificate) => readonly MadeCertificate[], string[]]>([
  ['whole', (_made, authority) => [authority], []],
  ['without its root, as is usual', () => [], []],
  [
    'with certificates of others in it',
    () => [makeCertificate({ names: [], commonName: 'Stranger' })],
    ['wrong order'],
  ],
])('a chain that is %s', async (_, chain, expected) => {
  const authority = makeCertificate({ names: [], commonName: 'Authority', isAuthority: true })
  const made = makeCertificate({ issuer: authority })
  const { warnings } = await loadCertificates(writeCertificate(temporaryFolder(), 'app', made, chain(made, authority)))
  expect(warnings).toHaveLength(expected.length)
  for (const [index, text] of expected.entries()) expect(warnings[index]).toContain(text)
})

test('a certificate of a public hierarchy that comes without its intermediate is a warning, unless ca has it', async () => {
  const authority = makeCertificate({ names: [], commonName: 'R99', isAuthority: true })
  const made = makeCertificate({ issuer: authority, caIssuers: 'http://r99.example/' })
  const files = writeCertificate(temporaryFolder(), 'app', made)
  expect((await loadCertificates(files)).warnings).toEqual([
    `the certificate ${files.cert} has a chain that ends with R99, which few clients know: append its certificate (fullchain.pem)`,
  ])
  expect((await loadCertificates({ ...files, ca: write(authority.cert) })).warnings).toEqual([])
})

test('a certificate without names is a warning, and so is requestCert without an authority', async () => {
  const files = writeCertificate(temporaryFolder(), 'app', makeCertificate({ names: [], commonName: 'app.test' }))
  const { warnings, tls } = await loadCertificates({ ...files, requestCert: true })
  expect(warnings).toEqual([
    `the certificate ${files.cert} has no subjectAltName: clients refuse it for every name`,
    'requestCert without ca lets in whoever has a certificate of any public authority',
  ])
  expect(tls.identities[0]?.names).toEqual([])
})

function damaged(pem: string): string {
  return pem.replace(/\n(.{20})/, '\nAAAAAAAAAAAAAAAAAAAA')
}
