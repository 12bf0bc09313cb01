import { createHash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { CserviceError } from '../../common/errors.ts'
import { dnsNames } from './certificate-facts.ts'
import type { Issuer } from './issue-certificate.ts'
import { isCertificate, isPrivateKey, pemBlocks } from './pem.ts'
import { createWhole, openStateFolder, replaceWhole } from './state-folder.ts'
import { TlsProblems } from './tls-problem.ts'

/** A certificate for this machine that a local authority has issued. */
export interface LocalCertificate {
  /** File with key, certificate and the authority's certificate. */
  readonly pem: string
  /** File with the authority's certificate: what clients must trust. */
  readonly authority: string
  readonly names: readonly string[]
}

const dayMs = 24 * 60 * 60 * 1_000
/** A certificate that ends so soon is replaced. */
const renewalMs = 30 * dayMs
const certificateDays = 395
const authorityDays = 3650
/** Whatever stands below them is on this machine or in nobody's hands (RFC 6761). */
const localDomains = ['localhost', 'test']

/**
 * A certificate for `localhost`, 127.0.0.1, ::1, the name of this machine and others of its own. Authority and certificate are
 * kept in this user's state folder, and made when they are missing or about to expire.
 * @param names more names, below `localhost`, `test` or the name of this machine
 * @throws CserviceError LOCAL_AUTHORITY_FAILED; TlsProblems: a name that is none of this machine's
 */
export async function provideLocalCertificate(names: readonly string[]): Promise<LocalCertificate> {
  const folder = openStateFolder('local-authority')
  try {
    const issuer = await provideAuthority(folder)
    const authority = join(folder, 'ca.pem')
    await replaceWhole(authority, issuer.certificate, 0o600)
    refuseForeign(names, issuer)
    const wanted = [
      ...new Set(['localhost', '*.localhost', ...hostOf(issuer), ...names.map((name) => name.toLowerCase())]),
    ]
    const pem = join(folder, names.length === 0 ? 'localhost.pem' : `localhost-${shortHash(names)}.pem`)
    if (!isGood(await read(pem), issuer, wanted)) {
      const { issueCertificate } = await import('./issue-certificate.ts')
      const { key, certificate } = await issueCertificate(issuer, wanted, ['127.0.0.1', '::1'], certificateDays)
      await replaceWhole(pem, `${key}${certificate}${issuer.certificate}`, 0o600)
    }
    return { pem, authority, names: wanted }
  } catch (error) {
    if (error instanceof TlsProblems || error instanceof CserviceError) throw error
    const reason = (error as Error).message
    throw new CserviceError('LOCAL_AUTHORITY_FAILED', `The local authority in ${folder} cannot be used: ${reason}`, {
      cause: error,
    })
  }
}

/** Key and certificate are one file, so that two gateways that start at once cannot mix theirs. */
async function provideAuthority(folder: string): Promise<Issuer> {
  const file = join(folder, 'authority.pem')
  const found = toIssuer(await read(file))
  if (found !== null && Date.parse(new X509Certificate(found.certificate).validTo) > Date.now() + 400 * dayMs)
    return found
  const { issueAuthority } = await import('./issue-certificate.ts')
  const made = await issueAuthority(machineName(), localDomains, authorityDays)
  const text = `${made.key}${made.certificate}`
  if (found !== null) await replaceWhole(file, text, 0o600)
  else await createWhole(file, text, 0o600)
  const kept = toIssuer(await read(file))
  if (kept === null) throw new Error(`${file} holds no key with its certificate: remove it`)
  return kept
}

/** The name of the machine that an authority was made for stands in its subject. */
function hostOf({ certificate }: Issuer): string[] {
  const name = /^OU=(.+)$/m.exec(new X509Certificate(certificate).subject)?.[1]
  return name === undefined ? [] : [name]
}

function machineName(): string | null {
  const name = hostname().toLowerCase()
  return /^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/.test(name) && name !== 'localhost' ? name : null
}

function refuseForeign(names: readonly string[], issuer: Issuer): void {
  const domains = [...localDomains, ...hostOf(issuer)]
  const problems = names.flatMap((name, index) => {
    const plain = name.toLowerCase().replace(/^\*\./, '')
    if (domains.some((domain) => plain === domain || plain.endsWith(`.${domain}`))) return []
    const allowed = `a name of this machine: ${domains.join(', ')}, or below one of them`
    return [{ path: ['names', index], found: `"${name}"`, allowed }]
  })
  if (problems.length > 0) throw new TlsProblems(problems)
}

function isGood(text: string | null, issuer: Issuer, names: readonly string[]): boolean {
  const found = toIssuer(text)
  if (found === null) return false
  const certificate = new X509Certificate(found.certificate)
  const ends = Date.parse(certificate.validTo)
  return (
    certificate.verify(new X509Certificate(issuer.certificate).publicKey) &&
    ends > Date.now() + renewalMs &&
    dnsNames(certificate).join() === names.join()
  )
}

/** Key and first certificate of a PEM text. */
function toIssuer(text: string | null): Issuer | null {
  const blocks = pemBlocks(text ?? '')
  const [key, certificate] = [blocks.find(isPrivateKey), blocks.find(isCertificate)]
  if (key === undefined || certificate === undefined) return null
  return { key: `${key.text}\n`, certificate: `${certificate.text}\n` }
}

async function read(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function shortHash(names: readonly string[]): string {
  return createHash('sha256').update(names.join()).digest('hex').slice(0, 12)
}
