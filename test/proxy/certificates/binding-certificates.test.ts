import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { BindingCertificates } from '../../../src/proxy/certificates/binding-certificates.ts'
import { eventually } from '../../support/eventually.ts'
import { makeCertificate, writeCertificate } from '../../support/make-certificate.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const made = (name: string) => makeCertificate({ names: [name] })

/** Followed certificates, with what they log. */
async function follow(tlsOptions: Record<string, unknown>) {
  const lines: Array<{ level: number; msg: string }> = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const certificates = await BindingCertificates.load({ tlsOptions, port: 443, log })
  const changes: string[][] = []
  await certificates.follow(() => changes.push(names()))
  onTestFinished(() => certificates.close())
  const names = () => certificates.settings.identities.flatMap((identity) => identity.names)
  const becomes = (name: string) => eventually(`certificates for ${name}`, () => names().includes(name))
  const errors = () => lines.filter(({ level }) => level >= 50).map(({ msg }) => msg)
  return { certificates, changes, names, becomes, errors, lines }
}

test('files that are written in place are taken over, with new keys for session tickets', async () => {
  const folder = temporaryFolder()
  const files = writeCertificate(folder, 'app', made('old.test'))
  const { certificates, becomes, changes, errors } = await follow(files)
  const { ticketKeys } = certificates.settings
  expect(Buffer.from(ticketKeys, 'base64')).toHaveLength(48)
  writeCertificate(folder, 'app', made('new.test'))
  await becomes('new.test')
  expect(certificates.settings.ticketKeys).not.toBe(ticketKeys)
  expect(changes).toEqual([['new.test']])
  expect(errors()).toEqual([])
})

test('files that are replaced by rename are taken over', async () => {
  const [folder, staging] = [temporaryFolder(), temporaryFolder()]
  const files = writeCertificate(folder, 'app', made('old.test'))
  const { becomes } = await follow(files)
  const fresh = writeCertificate(staging, 'app', made('new.test'))
  renameSync(fresh.key, files.key)
  renameSync(fresh.cert, files.cert)
  await becomes('new.test')
})

test('links that lead elsewhere are followed, as those of certbot', async () => {
  const root = temporaryFolder()
  const [live, archive] = [join(root, 'live'), join(root, 'archive')]
  for (const folder of [live, archive]) mkdirSync(folder)
  const link = (number: number) => {
    for (const kind of ['key', 'crt']) {
      const file = join(live, `app.${kind}`)
      rmSync(file, { force: true })
      symlinkSync(`../archive/app${number}.${kind}`, file)
    }
  }
  writeCertificate(archive, 'app1', made('old.test'))
  link(1)
  const { becomes, errors } = await follow({ key: join(live, 'app.key'), cert: join(live, 'app.crt') })
  writeCertificate(archive, 'app2', made('new.test'))
  link(2)
  await becomes('new.test')
  expect(errors()).toEqual([])
})

test('a folder that is swapped behind a link is noticed, as that of Kubernetes', async () => {
  const root = temporaryFolder()
  const swap = (name: string, host: string) => {
    mkdirSync(join(root, name))
    writeCertificate(join(root, name), 'tls', made(host))
    symlinkSync(name, join(root, '..data_tmp'))
    renameSync(join(root, '..data_tmp'), join(root, '..data'))
  }
  swap('..first', 'old.test')
  for (const file of ['tls.key', 'tls.crt']) symlinkSync(join('..data', file), join(root, file))
  const { becomes, errors } = await follow({ key: join(root, 'tls.key'), cert: join(root, 'tls.crt') })
  swap('..second', 'new.test')
  rmSync(join(root, '..first'), { recursive: true })
  await becomes('new.test')
  expect(errors()).toEqual([])
})

test('a certificate whose key comes seconds later makes no error', async () => {
  const folder = temporaryFolder()
  const files = writeCertificate(folder, 'app', made('old.test'))
  const { becomes, certificates, errors, names } = await follow(files)
  const fresh = made('new.test')
  writeFileSync(files.cert, fresh.cert)
  await new Promise((resolve) => setTimeout(resolve, 1_500)) // what a slow program does between two files
  expect(names()).toEqual(['old.test'])
  writeFileSync(files.key, fresh.key)
  await becomes('new.test')
  expect(errors()).toEqual([])
  expect(certificates.problems()).toEqual([])
})

test('new files that are broken are refused once, and the old certificates stay until good ones come', async () => {
  const folder = temporaryFolder()
  const files = writeCertificate(folder, 'app', made('old.test'))
  const { becomes, certificates, changes, errors, names } = await follow(files)
  writeFileSync(files.cert, 'nonsense')
  await eventually('a refusal', () => errors().length > 0)
  writeFileSync(files.cert, 'nonsense ') // the same fault once more
  const reason = `a file that is not PEM (${files.cert})`
  expect(certificates.describe().error).toBe(reason)
  expect(certificates.problems()).toEqual([`port 443: new certificates were refused: ${reason}`])
  expect([names(), changes]).toEqual([['old.test'], []])
  writeCertificate(folder, 'app', made('new.test'))
  await becomes('new.test')
  expect(certificates.describe().error).toBe(null)
  expect(errors()).toEqual([`port 443: the new certificates are refused, what was in force stays: ${reason}`])
})

test('old files that are put back are no change, and no error is left', async () => {
  const folder = temporaryFolder()
  const old = made('old.test')
  const files = writeCertificate(folder, 'app', old)
  const { certificates, changes, errors } = await follow(files)
  rmSync(files.key)
  await eventually('a refusal', () => errors().length > 0)
  writeCertificate(folder, 'app', old)
  await eventually('no error', () => certificates.describe().error === null)
  expect(changes).toEqual([])
})

test('an authority for clients that changes is taken over, too', async () => {
  const folder = temporaryFolder()
  const authority = () => makeCertificate({ names: [], commonName: 'Authority', isAuthority: true })
  const { cert: ca } = writeCertificate(folder, 'ca', authority())
  const { certificates, changes } = await follow({ ...writeCertificate(folder, 'app', made('a.test')), ca })
  const fresh = authority()
  writeCertificate(folder, 'ca', fresh)
  await eventually('a change', () => changes.length > 0)
  expect(certificates.settings.ca).toEqual([fresh.cert.trim()])
})

test('closed, it notices nothing more', async () => {
  const folder = temporaryFolder()
  const { certificates, changes } = await follow(writeCertificate(folder, 'app', made('old.test')))
  await certificates.close()
  writeCertificate(folder, 'app', made('new.test'))
  const second = await follow({ key: join(folder, 'app.key'), cert: join(folder, 'app.crt') })
  writeCertificate(folder, 'app', made('newer.test'))
  await second.becomes('newer.test')
  expect(changes).toEqual([])
})

test('an expired certificate is served, and said to be so in log, description and problems', async () => {
  const to = new Date(Date.now() - 3 * 24 * 60 * 60 * 1_000 - 1_000)
  const expired = makeCertificate({ names: ['old.test'], from: new Date('2020-01-01'), to })
  const files = writeCertificate(temporaryFolder(), 'app', expired)
  const { certificates, lines } = await follow(files)
  const warning = 'expired 3 days ago: clients refuse it'
  expect(certificates.describe().certificates).toMatchObject([{ names: ['old.test'], warning }])
  expect(certificates.problems()).toEqual([`port 443: the certificate ${files.cert} ${warning}`])
  expect(lines).toMatchObject([{ level: 40, msg: `port 443: the certificate ${files.cert} ${warning}` }])
})

test('what clients may dislike of a chain is a warning in the log', async () => {
  const files = writeCertificate(temporaryFolder(), 'app', makeCertificate({ names: [], commonName: 'app.test' }))
  const { lines } = await follow(files)
  expect(lines).toMatchObject([{ level: 40, msg: expect.stringContaining('has no subjectAltName') }])
})

test('nothing that is logged or described holds key material', async () => {
  const one = made('old.test')
  const folder = temporaryFolder()
  const { becomes, certificates, lines } = await follow(writeCertificate(folder, 'app', one))
  const other = made('new.test')
  writeCertificate(folder, 'app', other)
  await becomes('new.test')
  const shown = JSON.stringify([lines, certificates.describe(), certificates.problems()])
  expect(lines.length).toBeGreaterThan(0)
  for (const { key } of [one, other]) expect(shown).not.toContain(key.split('\n')[1])
  expect(shown).not.toContain(certificates.settings.ticketKeys)
})

test('the keys of session tickets are replaced twice a day', async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { certificates, changes } = await follow(writeCertificate(temporaryFolder(), 'app', made('a.test')))
  const seen = new Set([certificates.settings.ticketKeys])
  for (let day = 0; day < 2; day++) {
    vi.advanceTimersByTime(24 * 60 * 60 * 1_000)
    seen.add(certificates.settings.ticketKeys)
  }
  expect(changes).toHaveLength(4)
  expect(seen.size).toBe(3)
})
