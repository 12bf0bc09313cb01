import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { isCertificate, isEncrypted, isPrivateKey, type PemBlock, pemBlocks } from './pem.ts'
import type { NamedFile } from './read-files.ts'
import type { TlsProblem } from './tls-problem.ts'

/** Where something was found. */
export type Place = Pick<NamedFile, 'path' | 'file'>

export interface FoundKey extends Place {
  readonly key: KeyObject
}

/** The certificates of one file, in its order: the server's own first, then those of its issuers. */
export interface FoundChain extends Place {
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]]
}

export interface KeyMaterial {
  readonly keys: readonly FoundKey[]
  readonly chains: readonly FoundChain[]
  /** PEM. */
  readonly authorities: readonly string[]
  readonly problems: readonly TlsProblem[]
}

/**
 * What the PEM files hold. Pure.
 * @param passphrase opens encrypted keys
 */
export function parseKeyMaterial(files: readonly NamedFile[], passphrase: string | null): KeyMaterial {
  const keys: FoundKey[] = []
  const chains: FoundChain[] = []
  const authorities: string[] = []
  const problems: TlsProblem[] = []
  for (const { option, path, file, content } of files) {
    if (option === 'pfx') continue
    const place = { path, file }
    const blocks = pemBlocks(content.toString('latin1'))
    const wanted = wantedOf[option]
    const complain = (found: string, allowed: string) => problems.push({ path, found: `${found} (${file})`, allowed })
    if (option === 'key' || option === 'pem') {
      const encoded = blocks.filter(isPrivateKey)
      if (encoded.length === 0 && option === 'key') complain(describeContent(content, blocks), wanted)
      for (const block of encoded) {
        const key = openKey(block, passphrase)
        if (typeof key === 'string') complain(key, keyAllowed(block))
        else keys.push({ ...place, key })
      }
    }
    if (option === 'key') continue
    const encoded = blocks.filter(isCertificate)
    if (encoded.length === 0) {
      if (option !== 'pem' || !blocks.some(isPrivateKey)) complain(describeContent(content, blocks), wanted)
      continue
    }
    const certificates = encoded.map(parseCertificate)
    const [first, ...rest] = certificates.filter((certificate) => certificate !== null)
    if (first === undefined || rest.length + 1 < certificates.length) {
      complain(`a CERTIFICATE block that is broken, number ${certificates.indexOf(null) + 1} in the file`, wanted)
    } else if (option === 'ca') authorities.push(...encoded.map(({ text }) => text))
    else chains.push({ ...place, certificates: [first, ...rest] })
  }
  return { keys, chains, authorities, problems }
}

const wantedOf = {
  key: 'a file with a private key in PEM (-----BEGIN PRIVATE KEY-----)',
  cert: "a file with the server's certificate in PEM (-----BEGIN CERTIFICATE-----), then its issuers'",
  pem: 'a file with private key and certificates in PEM',
  ca: 'a file with certificates of authorities in PEM',
} as const

/** What is in a file that is not what it should be. */
function describeContent(content: Buffer, blocks: readonly PemBlock[]): string {
  if (content.length === 0) return 'an empty file'
  const labels = [...new Set(blocks.map(({ label }) => label))]
  if (labels.length > 0) return `a file with ${labels.join(' and ')}`
  if (content[0] === 0x30) return 'a binary file (DER or PKCS #12?)'
  return 'a file that is not PEM'
}

function openKey(block: PemBlock, passphrase: string | null): KeyObject | string {
  if (isEncrypted(block) && passphrase === null) return 'an encrypted key, and no passphrase'
  try {
    return createPrivateKey({ key: block.text, ...(passphrase === null ? {} : { passphrase }) })
  } catch {
    return isEncrypted(block) ? 'an encrypted key that the passphrase does not open' : 'a private key that is broken'
  }
}

function keyAllowed(block: PemBlock): string {
  return isEncrypted(block) ? 'a key that passphrase opens, or one that is not encrypted' : wantedOf.key
}

function parseCertificate({ text }: PemBlock): X509Certificate | null {
  try {
    return new X509Certificate(text)
  } catch {
    return null
  }
}
