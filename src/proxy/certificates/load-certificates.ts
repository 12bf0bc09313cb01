import { createHash, type X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { chooseIdentity } from '../dataplane/choose-identity.ts'
import { secureContextOptions } from '../dataplane/tls-server.ts'
import type { TlsIdentity, TlsSettings } from '../messages.ts'
import { type CertificateFacts, dnsNames, factsOf } from './certificate-facts.ts'
import { chainWarnings } from './certificate-warnings.ts'
import { type Place, parseKeyMaterial } from './key-material.ts'
import { pairKeys, toIdentities } from './pair-keys.ts'
import { type NamedFile, readFiles } from './read-files.ts'
import { readPfx } from './read-pfx.ts'
import { type TlsProblem, TlsProblems } from './tls-problem.ts'

/** What the certificates of a binding are, checked, and ready to be served. */
export interface LoadedCertificates {
  readonly tls: Omit<TlsSettings, 'ticketKeys'>
  readonly certificates: readonly ServedCertificate[]
  /** What clients may dislike, a sentence each; it is served all the same. */
  readonly warnings: readonly string[]
  /** Tells the content of the files from every other content. */
  readonly digest: string
}

export interface ServedCertificate {
  readonly leaf: X509Certificate
  readonly facts: CertificateFacts
}

interface Served extends Place {
  /** The server's own first. */
  readonly certificates: readonly X509Certificate[]
}

/**
 * Reads and checks everything that `tlsOptions` of a binding names, as far as that can be done without a client.
 * @param tlsOptions as in proxy.json, file names absolute
 * @throws TlsProblems that lists everything that makes them unusable
 */
export async function loadCertificates(tlsOptions: Readonly<Record<string, unknown>>): Promise<LoadedCertificates> {
  const { key, cert, pem, pfx, ca, passphrase, names, local, ...options } = tlsOptions
  const secret = typeof passphrase === 'string' ? passphrase : null
  const { files, problems: unreadable } = await readFiles(tlsOptions)
  const { keys, chains, authorities, problems: broken } = parseKeyMaterial(files, secret)
  throwIfAny([...unreadable, ...broken])
  const { pairs, problems: unpaired } = pairKeys(chains, keys)
  const archives = await readArchives(files, secret)
  throwIfAny([...unpaired, ...archives.problems])
  const identities = [...toIdentities(pairs), ...archives.identities]
  const tls = { identities, ca: authorities, passphrase: archives.identities.length > 0 ? secret : null, options }
  const served: readonly Served[] = [...chains, ...archives.served]
  throwIfAny([...unusable(tls, served), ...(local === true ? [] : uncovered(names, identities))])
  return {
    tls,
    certificates: served.flatMap(({ certificates: [leaf], file }) =>
      leaf ? { leaf, facts: factsOf(leaf, file) } : [],
    ),
    warnings: [...served.flatMap((chain) => warningsOf(chain, authorities)), ...optionWarnings(tls)],
    digest: digestOf(files),
  }
}

function throwIfAny(problems: readonly TlsProblem[]): void {
  if (problems.length > 0) throw new TlsProblems(problems)
}

async function readArchives(files: readonly NamedFile[], passphrase: string | null) {
  const identities: TlsIdentity[] = []
  const served: Served[] = []
  const problems: TlsProblem[] = []
  for (const { path, file, content } of files.filter(({ option }) => option === 'pfx')) {
    try {
      const certificates = await readPfx(content, passphrase)
      const [leaf] = certificates
      if (leaf === undefined) throw new Error('it holds no certificate')
      identities.push({ names: dnsNames(leaf), key: [], cert: [], pfx: [content.toString('base64')] })
      served.push({ path, file, certificates })
    } catch (error) {
      const reason = archiveFault(error as Error, passphrase)
      problems.push({ path, found: `${reason} (${file})`, allowed: 'a PKCS #12 file that passphrase opens' })
    }
  }
  return { identities, served, problems }
}

function archiveFault({ message }: Error, passphrase: string | null): string {
  if (/mac verify|invalid password|bad decrypt/i.test(message)) {
    return passphrase === null ? 'an encrypted file, and no passphrase' : 'a file that the passphrase does not open'
  }
  if (/unsupported/i.test(message)) return 'a file with an encryption that is too old for OpenSSL 3'
  return `a file that OpenSSL refuses: ${reasonOf(message)}`
}

/** Has OpenSSL say now what it would say at the first handshake. */
function unusable(tls: Omit<TlsSettings, 'ticketKeys'>, served: readonly Served[]): TlsProblem[] {
  const complete = { ...tls, ticketKeys: Buffer.alloc(48).toString('base64') }
  const attempt = (identity?: TlsIdentity): string | null => {
    try {
      createSecureContext(secureContextOptions(complete, identity))
      return null
    } catch (error) {
      return reasonOf((error as Error).message)
    }
  }
  const allowed = 'options of tls.createServer of Node that make sense together'
  const general = attempt()
  if (general !== null) return [{ path: [], found: `options that Node refuses: ${general}`, allowed }]
  if (tls.identities.length === 0)
    return [{ path: [], found: 'no certificate', allowed: 'key and cert, or pem, or pfx' }]
  return tls.identities.flatMap((identity) => {
    const reason = attempt(identity)
    if (reason === null) return []
    const place = served.find(({ certificates: [leaf] }) => leaf && sameNames(dnsNames(leaf), identity.names))
    const found = `a certificate that OpenSSL refuses: ${reason} (${place?.file ?? 'a file'})`
    return [
      { path: place?.path ?? [], found, allowed: 'RSA with 2048 bits or more, or EC, signed with SHA-256 or better' },
    ]
  })
}

/** `error:0A00018F:SSL routines::ee key too small` without what only OpenSSL's authors understand. */
function reasonOf(message: string): string {
  return message.replace(/^error:[0-9A-F]+:[^:]*:[^:]*:/, '')
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.join() === b.join()
}

/** Names that the binding is said to serve, and that no certificate is for. */
function uncovered(names: unknown, identities: readonly TlsIdentity[]): TlsProblem[] {
  const wanted = Array.isArray(names) ? names.map(String) : []
  const covered = identities.flatMap((identity) => identity.names)
  return wanted.flatMap((name, index) => {
    const isCovered = name.startsWith('*.')
      ? covered.includes(name.toLowerCase())
      : chooseIdentity(identities, name) !== null
    if (isCovered) return []
    const allowed = `a name that one of the certificates is for (${covered.join(', ') || 'they are for none'})`
    return [{ path: ['names', index], found: `"${name}"`, allowed }]
  })
}

function warningsOf({ certificates, file }: Served, authorities: readonly string[]): string[] {
  return chainWarnings(certificates, authorities).map((warning) => `the certificate ${file} ${warning}`)
}

function optionWarnings({ options, ca }: Omit<TlsSettings, 'ticketKeys'>): string[] {
  if (options.requestCert !== true || options.rejectUnauthorized === false || ca.length > 0) return []
  return ['requestCert without ca lets in whoever has a certificate of any public authority']
}

function digestOf(files: readonly NamedFile[]): string {
  const hash = createHash('sha256')
  for (const { path, file, content } of files)
    hash.update(`${path.join('.')} ${file} ${content.length}\n`).update(content)
  return hash.digest('hex')
}
