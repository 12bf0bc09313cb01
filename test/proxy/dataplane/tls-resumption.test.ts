import { expect, test } from 'vitest'
import { type MadeCertificate, makeCertificate, writeCertificate } from '../../support/make-certificate.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { defaultSettings, startGateway, startWorker, tlsSettings } from './harness.ts'
import { answerOver, dial, resumes, sessionOf } from './tls-client.ts'

/** Two proxy processes of one binding: the same settings, each with a port of its own here. */
async function twoProcesses(tlsOptions: Record<string, unknown>) {
  const worker = await startWorker((_req, res) => res.end('well'))
  const binding = { port: 0, tls: await tlsSettings(tlsOptions), redirect: null }
  const gateways = [
    await startGateway({ v1: [worker.target] }, { binding }),
    await startGateway({ v1: [worker.target] }, { binding }),
  ] as const
  const [one, other] = gateways
  return {
    one: one.port,
    other: other.port,
    /** Gives both new settings, with new keys of session tickets. */
    async replace(options: Record<string, unknown>) {
      const tls = await tlsSettings(options)
      for (const gateway of gateways) gateway.configure({ binding: { ...defaultSettings.binding, tls } })
    },
  }
}

function filesOf(...made: MadeCertificate[]) {
  const folder = temporaryFolder()
  const files = made.map((one, index) => writeCertificate(folder, `${index}`, one))
  return { cert: files.map(({ cert }) => cert), key: files.map(({ key }) => key) }
}

/** An authority for clients, as a file, and a client of it. */
function clientAuthority(name: string) {
  const authority = makeCertificate({ names: [], commonName: name, isAuthority: true })
  const { cert: file } = writeCertificate(temporaryFolder(), 'ca', authority)
  const { key, cert } = makeCertificate({ names: ['client'], issuer: authority })
  return { file, client: { key, cert } }
}

const versions = ['TLSv1.2', 'TLSv1.3'] as const

test.each(versions)('a %s session is resumed by another process of the binding', async (version) => {
  const { one, other } = await twoProcesses(filesOf(makeCertificate()))
  const only = { minVersion: version, maxVersion: version }
  const session = await sessionOf(one, only)
  expect(await resumes(one, session, only)).toBe(true)
  expect(await resumes(other, session, only)).toBe(true)
  expect(await answerOver(other, { ...only, session })).toMatch(/ 200 OK/)
})

test.each(versions)(
  'a %s session of a name with a certificate of its own is resumed under that name',
  async (version) => {
    const { one, other } = await twoProcesses(filesOf(makeCertificate(), makeCertificate({ names: ['b.test'] })))
    const only = { minVersion: version, maxVersion: version, servername: 'b.test' }
    const session = await sessionOf(one, only)
    expect(await resumes(other, session, only)).toBe(true)
    expect(await answerOver(other, { ...only, session })).toMatch(/ 200 OK/)
  },
)

test.each(versions)(
  'after new certificates or ticket keys a %s client shakes hands anew, without an error',
  async (version) => {
    const files = filesOf(makeCertificate())
    const { one, other, replace } = await twoProcesses(files)
    const only = { minVersion: version, maxVersion: version }
    const session = await sessionOf(one, only)
    await replace(files)
    expect(await resumes(other, session, only)).toBe(false)
    expect(await answerOver(other, { ...only, session })).toMatch(/ 200 OK/)
    expect(await resumes(one, await sessionOf(other, only), only)).toBe(true)
  },
)

test.each(versions)('client certificates are asked for and checked, in %s', async (version) => {
  const [ours, theirs] = [clientAuthority('Ours'), clientAuthority('Theirs')]
  const { one } = await twoProcesses({ ...filesOf(makeCertificate()), ca: ours.file, requestCert: true })
  const only = { minVersion: version, maxVersion: version }
  expect(await answerOver(one, { ...only, ...ours.client })).toMatch(/ 200 OK/)
  await expect(answerOver(one, only)).rejects.toThrow()
  await expect(answerOver(one, { ...only, ...theirs.client })).rejects.toThrow()
})

test.each(versions)('they are checked for every name of the binding, in %s', async (version) => {
  const ours = clientAuthority('Ours')
  const files = filesOf(makeCertificate(), makeCertificate({ names: ['b.test'] }))
  const { one } = await twoProcesses({ ...files, ca: ours.file, requestCert: true })
  const only = { minVersion: version, maxVersion: version, servername: 'b.test' }
  expect(await answerOver(one, { ...only, ...ours.client })).toMatch(/ 200 OK/)
  await expect(answerOver(one, only)).rejects.toThrow()
  await expect(answerOver(one, { ...only, ...clientAuthority('Theirs').client })).rejects.toThrow()
})

test('rejectUnauthorized: false lets in who has no certificate, or one of somebody else', async () => {
  const [ours, theirs] = [clientAuthority('Ours'), clientAuthority('Theirs')]
  const { one } = await twoProcesses({
    ...filesOf(makeCertificate()),
    ca: ours.file,
    requestCert: true,
    rejectUnauthorized: false,
  })
  for (const client of [{}, ours.client, theirs.client]) expect(await answerOver(one, client)).toMatch(/ 200 OK/)
})

test.each(versions)('a client with a certificate resumes its %s session in another process', async (version) => {
  const ours = clientAuthority('Ours')
  const { one, other } = await twoProcesses({ ...filesOf(makeCertificate()), ca: ours.file, requestCert: true })
  const only = { minVersion: version, maxVersion: version, ...ours.client }
  const session = await sessionOf(one, only)
  expect(await resumes(other, session, only)).toBe(true)
  expect(await answerOver(other, { ...only, session })).toMatch(/ 200 OK/)
})

test.each(versions)('a %s session does not outlive the authority that let its client in', async (version) => {
  const [ours, theirs] = [clientAuthority('Ours'), clientAuthority('Theirs')]
  const files = filesOf(makeCertificate())
  const { one, other, replace } = await twoProcesses({ ...files, ca: ours.file, requestCert: true })
  const only = { minVersion: version, maxVersion: version, ...ours.client }
  const session = await sessionOf(one, only)
  await replace({ ...files, ca: theirs.file, requestCert: true })
  await expect(answerOver(other, { ...only, session })).rejects.toThrow()
})

test.each(versions)(
  'a %s session from the time before client certificates were asked for lets nobody in',
  async (version) => {
    const ours = clientAuthority('Ours')
    const files = filesOf(makeCertificate())
    const worker = await startWorker((_req, res) => res.end('well'))
    const open = await tlsSettings(files)
    const strict = {
      ...(await tlsSettings({ ...files, ca: ours.file, requestCert: true })),
      ticketKeys: open.ticketKeys,
    }
    const [before, after] = [
      await startGateway({ v1: [worker.target] }, { binding: { port: 0, tls: open, redirect: null } }),
      await startGateway({ v1: [worker.target] }, { binding: { port: 0, tls: strict, redirect: null } }),
    ]
    const only = { minVersion: version, maxVersion: version }
    const session = await sessionOf(before.port, only)
    await expect(answerOver(after.port, { ...only, session })).rejects.toThrow()
  },
)

test('a client that is refused gets no session that would let it in later', async () => {
  const [ours, theirs] = [clientAuthority('Ours'), clientAuthority('Theirs')]
  const { one, other } = await twoProcesses({ ...filesOf(makeCertificate()), ca: ours.file, requestCert: true })
  const sessions: Buffer[] = []
  const socket = await dial(one, theirs.client)
  socket.on('session', (session) => sessions.push(session))
  await new Promise((resolve) => socket.once('close', resolve).resume())
  for (const session of sessions) await expect(answerOver(other, { ...theirs.client, session })).rejects.toThrow()
  for (const session of sessions) await expect(answerOver(other, { session })).rejects.toThrow()
})
